// SPDX-License-Identifier: Apache-2.0
#include "nif/erlpy/main_program.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

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

// Whether the exception makes the process die by SIGINT. Before CPython 3.14, no subclass of
// KeyboardInterrupt does.
bool is_interrupt(Gil, PyObject* error) {
#if PY_VERSION_HEX >= 0x030E0000
    return PyErr_GivenExceptionMatches(error, PyExc_KeyboardInterrupt) != 0;
#else
    return Py_TYPE(error) == reinterpret_cast<PyTypeObject*>(PyExc_KeyboardInterrupt);
#endif
}

PyMethodDef read_line_method = {"read_line", read_line, METH_O, nullptr};

// One run of a program. attempt() handles the errors of each step.
class Run {
public:
    Run(Gil gil, const MainProgram& program, const EndLoops& end_loops)
        : gil_(gil),
          program_(program),
          end_loops_(end_loops),
          package_(PyRef::steal(PyImport_ImportModule("erlang._main"))),
          main_(PyRef::steal(PyImport_ImportModule("__main__"))),
          globals_(PyModule_GetDict(main_.get())) {
        flags_.cf_flags = 0;
        flags_.cf_feature_version = PY_MINOR_VERSION;
    }

    int run() {
        attempt([&] { main_part(); });
        if (!left_ && (program_.inspect || asked_for_prompt()) && at_terminal()) {
            inspecting_ = false;  // from here on, SystemExit leaves
            code_ = 0;
            forget_interrupt();
            attempt([&] { prompt(false); });
        }
        if (interrupted_) code_ = -SIGINT;
        const bool flushed = end_program(gil_, getpid() == node_ ? end_loops_ : EndLoops{});
        return flushed || code_ < 0 ? code_ : kOutputLost;
    }

private:
    // Runs a step and shows its exception as the interpreter does. False if the step raised.
    template <class Step>
    bool attempt(Step&& step) {
        try {
            step();
            return true;
        } catch (const PyError&) {
            failed();
            return false;
        }
    }

    void failed() {
        const PyRef error = PyRef::steal(loop_bridge::take_error(gil_));
        if (PyErr_GivenExceptionMatches(error.get(), PyExc_SystemExit) != 0 && !inspecting_) {
            left_ = true;
            const PyRef code =
                PyRef::steal(PyObject_CallMethod(package_.get(), "exit_code", "O", error.get()));
            code_ = static_cast<int>(PyLong_AsLong(code.get()));
            return;
        }
        interrupted_ = is_interrupt(gil_, error.get());
        code_ = interrupted_ ? -SIGINT : 1;
        loop_bridge::set_error(gil_, error.get());
        PyErr_Print();
    }

    void main_part() {
        inspecting_ = program_.inspect;
        PyRef importer;
        if (program_.filename) {
            importer = PyRef::steal(PyImport_GetImporter(text(*program_.filename).get()));
        }
        const bool package = importer && importer.get() != Py_None;
        const PyRef first = package ? text(*program_.filename) : PyRef::borrow(Py_None);
        PyRef::steal(PyObject_CallMethod(package_.get(), "set_first_path", "OOO", first.get(),
                                         optional_text(program_.filename).get(),
                                         program_.module ? Py_True : Py_False));
        greet();
        if (program_.readline && (program_.inspect || !has_program()))
            call("load_readline", nullptr);
        if (program_.command) {
            run_command();
        } else if (program_.module) {
            run_module(text(*program_.module), true);
        } else if (package) {
            run_module(PyRef::steal(PyUnicode_FromString("__main__")), false);
        } else if (program_.filename) {
            run_file();
        } else if (at_terminal()) {
            inspecting_ = false;
            prompt(true);
            left_ = true;
        } else {
            run_stream(stdin, "<stdin>", false);
        }
    }

    void run_command() {
        const PyRef command = text(*program_.command);
        if (PySys_Audit("cpython.run_command", "O", command.get()) < 0) throw PyError{};
#if PY_VERSION_HEX >= 0x030D0000
        // Tracebacks show the lines of this code.
        const PyRef code = PyRef::steal(without_place(
            PyObject_CallMethod(package_.get(), "compile_command", "O", command.get())));
        PyRef::steal(PyEval_EvalCode(code.get(), globals_, globals_));
#else
        const PyRef encoded = PyRef::steal(PyUnicode_AsUTF8String(command.get()));
        PyCompilerFlags flags = flags_;
        flags.cf_flags |= PyCF_IGNORE_COOKIE;
        PyRef::steal(PyRun_StringFlags(PyBytes_AS_STRING(encoded.get()), Py_file_input, globals_,
                                       globals_, &flags));
#endif
    }

    void run_module(const PyRef& name, bool set_argv0) {
        if (PySys_Audit("cpython.run_module", "O", name.get()) < 0) throw PyError{};
        const PyRef runpy = PyRef::steal(PyImport_ImportModule("runpy"));
        const PyRef runner =
            PyRef::steal(PyObject_GetAttrString(runpy.get(), "_run_module_as_main"));
        PyRef::steal(PyObject_CallFunction(runner.get(), "Oi", name.get(), set_argv0 ? 1 : 0));
    }

    void run_file() {
        const PyRef name = text(*program_.filename);
        if (PySys_Audit("cpython.run_file", "O", name.get()) < 0) throw PyError{};
        const PyRef path = PyRef::steal(PyUnicode_EncodeFSDefault(name.get()));
        const char* bytes = PyBytes_AS_STRING(path.get());
        std::FILE* file = std::fopen(bytes, "rbe");
        const PyRef refusal = PyRef::steal(PyObject_CallMethod(
            package_.get(), "why_not_to_run", "Oi", name.get(), file == nullptr ? errno : 0));
        if (const long code = PyLong_AsLong(refusal.get()); code != 0) {
            if (file != nullptr) std::fclose(file);
            code_ = static_cast<int>(code);
            return;
        }
        if (program_.skip_first_line) {
            int c = 0;
            while ((c = std::getc(file)) != EOF && c != '\n') {
            }
            std::ungetc('\n', file);  // so that line numbers stay right
        }
        run_stream(file, bytes, true);
    }

    // Source from a file or from standard input; closes `file` if asked.
    void run_stream(std::FILE* file, const char* name, bool close) {
        const PyRef path = PyRef::steal(PyUnicode_DecodeFSDefault(name));
        const PyRef code = PyRef::steal(
            PyObject_CallMethod(package_.get(), "enter_file", "Oi", path.get(), close ? 1 : 0));
        const bool entered = PyTuple_GetItem(code.get(), 0) == Py_True;
        PyObject* compiled = PyTuple_GetItem(code.get(), 1);
        // The prompt does not inherit the program's `from __future__` imports.
        PyCompilerFlags flags = flags_;
        PyObject* result = nullptr;
        if (compiled != Py_None) {
            std::fclose(file);
            result = PyEval_EvalCode(compiled, globals_, globals_);
        } else {
            result = PyRun_FileExFlags(file, name, Py_file_input, globals_, globals_, close ? 1 : 0,
                                       &flags);
        }
        flush();
        if (entered && result != nullptr) leave_file();
        if (result == nullptr) {
            if (!entered) throw PyError{};
            // Show the error first: its traceback may need __main__ as it was.
            failed();
            leave_file();
            return;
        }
        Py_DECREF(result);
    }

    void leave_file() { call("leave_file", nullptr); }

    // Reads statements until the end of input. Throws PyError only for SystemExit.
    // run_startup_file() handles a SystemExit of the startup file.
    void prompt(bool first) {
        if (first) run_startup_file();
        if (left_) return;
        call("run_interactive_hook", nullptr);
        if (call("use_new_prompt", "i", first ? 1 : 0)) return;
        const PyRef reader = PyRef::steal(PyCFunction_New(&read_line_method, nullptr));
        const PyRef statements = PyRef::steal(PyObject_CallMethod(
            package_.get(), "Statements", "Oi", reader.get(), flags_.cf_flags & PyCF_MASK));
        bool more = true;
        while (more) {
            try {
                more = one_statement(statements);
            } catch (const PyError&) {
                if (PyErr_ExceptionMatches(PyExc_SystemExit) != 0) throw;
                PyErr_Print();
            }
            flush();
        }
    }

    bool one_statement(const PyRef& statements) {
        const PyRef statement =
            PyRef::steal(without_place(PyObject_CallMethod(statements.get(), "next", nullptr)));
        if (statement.get() == Py_None) return false;
        forget_interrupt();
        PyObject* result = PyEval_EvalCode(statement.get(), globals_, globals_);
        if (result == nullptr) {
            const PyRef error = PyRef::steal(loop_bridge::take_error(gil_));
            interrupted_ = interrupted_ || is_interrupt(gil_, error.get());
            loop_bridge::raise_object(gil_, error.get());
        }
        Py_DECREF(result);
        return true;
    }

    // A syntax error at the prompt belongs to no code, and neither does a Ctrl-C there. So the
    // traceback must not show our frames.
    PyObject* without_place(PyObject* made) {
        if (made == nullptr) {
            const PyRef error = PyRef::steal(loop_bridge::take_error(gil_));
            PyException_SetTraceback(error.get(), Py_None);
            loop_bridge::raise_object(gil_, error.get());
        }
        return made;
    }

    // Before CPython 3.14, only an interrupted last statement sets the exit status.
    void forget_interrupt() {
#if PY_VERSION_HEX < 0x030E0000
        interrupted_ = false;
#endif
    }

    void run_startup_file() {
        const char* name = program_.environment ? std::getenv("PYTHONSTARTUP") : nullptr;
        if (name == nullptr || *name == '\0') return;
        std::FILE* file = std::fopen(name, "rbe");
        if (file == nullptr) {
            const int error = errno;
            PySys_WriteStderr("Could not open PYTHONSTARTUP\n");
            errno = error;
            PyErr_SetFromErrnoWithFilename(PyExc_OSError, name);
            PyErr_Print();
            return;
        }
        run_stream(file, name, true);
        if (!left_) code_ = 0;  // its exception has been shown
        forget_interrupt();
    }

    void greet() {
        if (program_.quiet || !(program_.verbose || (!has_program() && at_terminal()))) return;
        std::fprintf(stderr, "Python %s on %s\n", Py_GetVersion(), Py_GetPlatform());
        if (call("has_site", nullptr)) {
            std::fprintf(stderr,
                         "Type \"help\", \"copyright\", \"credits\" or \"license\" "
                         "for more information.\n");
        }
    }

    // Calls a function of erlang._main that returns a bool. True if the function returns None.
    template <class... Args>
    bool call(const char* function, const char* format, Args... args) {
        const PyRef answer =
            PyRef::steal(PyObject_CallMethod(package_.get(), function, format, args...));
        return answer.get() != Py_False;
    }

    void flush() {
        PyObject* error = loop_bridge::take_error(gil_);
        for (const char* name : {"stderr", "stdout"}) {
            PyObject* stream = PySys_GetObject(name);
            PyObject* done =
                stream == nullptr ? nullptr : PyObject_CallMethod(stream, "flush", nullptr);
            Py_XDECREF(done);
            PyErr_Clear();
        }
        if (error == nullptr) return;
        loop_bridge::set_error(gil_, error);
        Py_DECREF(error);
    }

    static PyRef text(const std::wstring& value) {
        return PyRef::steal(
            PyUnicode_FromWideChar(value.data(), static_cast<Py_ssize_t>(value.size())));
    }
    static PyRef optional_text(const std::optional<std::wstring>& value) {
        return value ? text(*value) : PyRef::borrow(Py_None);
    }
    bool has_program() const { return program_.command || program_.module || program_.filename; }
    bool at_terminal() const { return program_.interactive || isatty(STDIN_FILENO) != 0; }
    bool asked_for_prompt() const {
        const char* wanted = program_.environment ? std::getenv("PYTHONINSPECT") : nullptr;
        return wanted != nullptr && *wanted != '\0';
    }

    Gil gil_;
    const MainProgram& program_;
    const EndLoops& end_loops_;
    const pid_t node_ = getpid();
    PyRef package_;  // erlang._main
    PyRef main_;     // __main__
    PyObject* globals_;
    PyCompilerFlags flags_{};
    bool inspecting_ = false;   // SystemExit is shown and leads to the prompt
    bool left_ = false;         // by SystemExit: no prompt any more
    bool interrupted_ = false;  // by a KeyboardInterrupt that nothing caught
    int code_ = 0;
};

}  // namespace

int run_main_program(Gil gil, const MainProgram& program, const EndLoops& end_loops) noexcept {
    const pid_t node = getpid();
    int code = 1;
    try {
        code = Run{gil, program, end_loops}.run();
    } catch (const PyError&) {
        PyErr_Print();  // a fault of ours: exceptions of the program are shown above
    }
    if (getpid() != node) {
        // A fork has no BEAM and must not return.
        if (code < 0) end_by_signal(-code);
        std::fflush(nullptr);
        _exit(code & 0xff);
    }
    if (MainSignals::ending() != 0) return -MainSignals::ending();
    return code < 0 ? code : code & 0xff;
}

}  // namespace nif
