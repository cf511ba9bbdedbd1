// SPDX-License-Identifier: Apache-2.0
#include "nif/erlpy/main_ending.h"

#include "loop_bridge/python/py_ref.h"
#include "nif/erlpy/main_signals.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// Shows an error as ignored, in the words of this CPython version. Before 3.13 the message names an
// object, from 3.13 on an action. A Ctrl-C that comes meanwhile interrupts the next step too: the
// report can wait for a full pipe, and the next step can wait for a thread.
void ignore(Gil, [[maybe_unused]] PyObject* object, [[maybe_unused]] const char* doing) {
    const InterruptKept kept;
#if PY_VERSION_HEX >= 0x030D0000
    PyErr_FormatUnraisable("Exception ignored %s", doing);
#else
    PyErr_WriteUnraisable(object);
#endif
}

#if PY_VERSION_HEX >= 0x030E0000
constexpr const char* kFlushing = "while flushing sys.stdout";
#else
constexpr const char* kFlushing = "on flushing sys.stdout";
#endif

// Calls a module's function and shows its exception as ignored.
void call(Gil gil, const char* module, const char* function, const char* doing) {
    const PyRef owner = PyRef::steal(PyImport_ImportModule(module));
    PyObject* result = PyObject_CallMethod(owner.get(), function, nullptr);
    if (result == nullptr) ignore(gil, owner.get(), doing);
    Py_XDECREF(result);
}

bool is_closed(Gil, PyObject* stream) {
    PyObject* closed = PyObject_GetAttrString(stream, "closed");
    const bool yes = closed != nullptr && PyObject_IsTrue(closed) == 1;
    Py_XDECREF(closed);
    PyErr_Clear();
    return yes;
}

// Removes a stream whose flush failed, so that no later code tries again.
bool flush(Gil gil, const char* name, bool show) {
    const PyRef stream = PyRef::borrow(PySys_GetObject(name));
    if (!stream || stream.get() == Py_None || is_closed(gil, stream.get())) return true;
    PyObject* done = PyObject_CallMethod(stream.get(), "flush", nullptr);
    if (done == nullptr) {
        if (show) ignore(gil, stream.get(), kFlushing);
        PyErr_Clear();
        PySys_SetObject(name, Py_None);
        // Its destructor must not try either.
        PyObject* detached = PyObject_CallMethod(stream.get(), "detach", nullptr);
        PyErr_Clear();
        static_cast<void>(detached);  // kept: closing would write
        return false;
    }
    Py_DECREF(done);
    return true;
}

bool flush_streams(Gil gil) {
    const bool output = flush(gil, "stdout", true);
    const bool error = flush(gil, "stderr", false);
    return output && error;
}

}  // namespace

bool end_program(Gil gil, const EndLoops& end_loops) {
    const PyRef package = PyRef::steal(PyImport_ImportModule("erlang"));
    try {
        if (end_loops) end_loops(gil);
    } catch (const loop_bridge::PyError&) {
        ignore(gil, package.get(), "while hosted loops end");
    }
    call(gil, "threading", "_shutdown", "on threading shutdown");
    call(gil, "erlang._node_end", "forget_hooks", "at the end of the program");
    call(gil, "atexit", "_run_exitfuncs", "in exit functions");
    const bool flushed = flush_streams(gil);
    // From here on nothing is left to interrupt.
    MainSignals::end();
    if (PyErr_CheckSignals() != 0) PyErr_Clear();
    call(gil, "erlang._erlpy", "release_main_objects", "at the end of the program");
    return flush_streams(gil) && flushed;
}

}  // namespace nif
