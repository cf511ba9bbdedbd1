// SPDX-License-Identifier: Apache-2.0
#include "nif/main_ending.h"

#include "loop_bridge/python/py_ref.h"
#include "nif/main_signals.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// Calls a module's function; what it raises is shown as ignored.
void call(Gil, const char* module, const char* function) {
    const PyRef owner = PyRef::steal(PyImport_ImportModule(module));
    PyObject* result = PyObject_CallMethod(owner.get(), function, nullptr);
    if (result == nullptr) PyErr_WriteUnraisable(owner.get());
    Py_XDECREF(result);
}

bool is_closed(Gil, PyObject* stream) {
    PyObject* closed = PyObject_GetAttrString(stream, "closed");
    const bool yes = closed != nullptr && PyObject_IsTrue(closed) == 1;
    Py_XDECREF(closed);
    PyErr_Clear();
    return yes;
}

// A stream that can't be written any more is taken away, for nobody to try again.
bool flush(Gil gil, const char* name, bool show) {
    const PyRef stream = PyRef::borrow(PySys_GetObject(name));
    if (!stream || stream.get() == Py_None || is_closed(gil, stream.get())) return true;
    PyObject* done = PyObject_CallMethod(stream.get(), "flush", nullptr);
    if (done == nullptr) {
        if (show) PyErr_WriteUnraisable(stream.get());
        PyErr_Clear();
        PySys_SetObject(name, Py_None);
        // Nor by its destructor.
        PyObject* detached = PyObject_CallMethod(stream.get(), "detach", nullptr);
        PyErr_Clear();
        static_cast<void>(detached);  // kept: closing would write
        return false;
    }
    Py_DECREF(done);
    return true;
}

bool flush_streams(Gil gil) {
    const bool flushed = flush(gil, "stdout", true);
    flush(gil, "stderr", false);
    return flushed;
}

}  // namespace

bool end_program(Gil gil) {
    call(gil, "threading", "_shutdown");
    call(gil, "atexit", "_run_exitfuncs");
    const bool flushed = flush_streams(gil);
    // What is interrupted from here on is nobody's any longer.
    MainSignals::end();
    if (PyErr_CheckSignals() != 0) PyErr_Clear();
    call(gil, "erlang._main", "let_go");
    return flush_streams(gil) && flushed;
}

}  // namespace nif
