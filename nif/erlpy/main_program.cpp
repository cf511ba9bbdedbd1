// SPDX-License-Identifier: Apache-2.0
#include "nif/erlpy/main_program.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "loop_bridge/python/py_entry.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/erlpy/main_signals.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::python_entry;

namespace {

constexpr int kOutputLost = 120;

// Reads a line of an interactive program. Uses readline if it is loaded and input is a terminal.
PyObject* read_line(PyObject*, PyObject* prompt) {
    return python_entry([&](Gil) {
        const char* text = PyUnicode_AsUTF8(prompt);
        if (text == nullptr) throw PyError{};
        char* line = PyOS_Readline(stdin, stdout, text);
        if (line == nullptr) {
            if (PyErr_Occurred() == nullptr) PyErr_SetNone(PyExc_KeyboardInterrupt);
            throw PyError{};
        }
        PyObject* bytes = PyBytes_FromString(line);
        PyMem_Free(line);
        return PyRef::steal(bytes);
    });
}

PyMethodDef read_line_method = {"read_line", read_line, METH_O, nullptr};

// CPython reads the file: compile() would word some errors in another way. Closes the file, unless
// it is standard input.
PyObject* run_source(Gil, PyObject* source, PyObject* globals) {
    PyObject* encoded = nullptr;
    int descriptor = -1;
    int skip_first_line = 0;
    if (PyArg_ParseTuple(source, "O&ip", PyUnicode_FSConverter, &encoded, &descriptor,
                         &skip_first_line) == 0) {
        return nullptr;
    }
    const PyRef name = PyRef::steal(encoded);
    const bool is_input = descriptor == STDIN_FILENO;
    std::FILE* file = is_input ? stdin : fdopen(descriptor, "r");
    if (file == nullptr) return PyErr_SetFromErrno(PyExc_OSError);
    if (skip_first_line != 0) {
        int c = 0;
        while ((c = std::getc(file)) != EOF && c != '\n') {
        }
        std::ungetc('\n', file);  // so that line numbers stay right
    }
    PyCompilerFlags flags{};
    flags.cf_feature_version = PY_MINOR_VERSION;
    return PyRun_FileExFlags(file, PyBytes_AS_STRING(name.get()), Py_file_input, globals, globals,
                             is_input ? 0 : 1, &flags);
}

// The kinds of steps are those of erlang._erlpy. Null if the step raised.
PyObject* perform(Gil gil, PyObject* step, PyObject* globals) {
    if (PyCode_Check(step)) return PyEval_EvalCode(step, globals, globals);
    if (PyTuple_Check(step)) return run_source(gil, step, globals);
    if (!PyExceptionInstance_Check(step)) return PyObject_CallNoArgs(step);
    loop_bridge::set_error(gil, step);
    PyErr_Print();
    return Py_NewRef(Py_None);
}

const wchar_t* text(const std::optional<std::wstring>& value) {
    return value ? value->c_str() : nullptr;
}

int run_steps(Gil gil, const MainProgram& program) {
    const PyRef package = PyRef::steal(PyImport_ImportModule("erlang._erlpy"));
    const PyRef main = PyRef::steal(PyImport_ImportModule("__main__"));
    const PyRef reader = PyRef::steal(PyCFunction_New(&read_line_method, nullptr));
    const PyRef run = PyRef::steal(PyObject_CallMethod(
        package.get(), "Program", "uuuOO", text(program.command), text(program.module),
        text(program.filename), program.skip_first_line ? Py_True : Py_False, reader.get()));
    const PyRef steps = PyRef::steal(PyObject_CallMethod(run.get(), "steps", nullptr));
    PyThreadState* thread = PyThreadState_Get();
    PyRef raised = PyRef::borrow(Py_None);
    for (;;) {
        PyObject* yielded = nullptr;
        PyThreadState_EnterTracing(thread);  // debuggers of the program see no frames of ours
        const PySendResult sent = PyIter_Send(steps.get(), raised.get(), &yielded);
        PyThreadState_LeaveTracing(thread);
        const PyRef step = PyRef::steal(yielded);
        if (sent == PYGEN_RETURN) return static_cast<int>(PyLong_AsLong(step.get()));
        raised = PyRef::borrow(Py_None);
        PyObject* done = perform(gil, step.get(), PyModule_GetDict(main.get()));
        if (done == nullptr) raised = PyRef::steal(loop_bridge::take_error(gil));
        Py_XDECREF(done);
    }
}

}  // namespace

void set_first_path(Gil, const MainProgram& program) {
    try {
        const PyRef package = PyRef::steal(PyImport_ImportModule("erlang._erlpy"));
        PyRef::steal(PyObject_CallMethod(package.get(), "set_first_path", "uu",
                                         text(program.module), text(program.filename)));
    } catch (const PyError&) {
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) throw;
        PyErr_Clear();  // the program does it again and reports the error
    }
}

int run_main_program(Gil gil, const MainProgram& program, const EndLoops& end_loops) noexcept {
    const pid_t node = getpid();
    int code = 1;
    try {
        code = run_steps(gil, program);
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        // A Ctrl-C between two steps, or a fault of ours.
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) code = -SIGINT;
        PyErr_Print();
    }
    const bool is_fork = getpid() != node;
    try {
        const bool flushed = end_program(gil, is_fork ? EndLoops{} : end_loops);
        if (!flushed && code >= 0) code = kOutputLost;
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        PyErr_Print();  // a fault of ours
    }
    if (is_fork) {
        // A fork has no BEAM and must not return.
        if (code < 0) end_by_signal(-code);
        std::fflush(nullptr);
        _exit(code);
    }
    return MainSignals::ending() != 0 ? -MainSignals::ending() : code;
}

}  // namespace nif
