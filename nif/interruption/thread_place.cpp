// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/thread_place.h"

#include "nif/interruption/python_thread.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// CPython makes the objects of frames when they are asked for. Before 3.12 that may collect
// garbage, which runs Python code.
class NoCollection {
public:
    NoCollection() noexcept : enabled_(PyGC_Disable() != 0) {}
    ~NoCollection() {
        if (enabled_) PyGC_Enable();
    }
    NoCollection(const NoCollection&) = delete;
    NoCollection& operator=(const NoCollection&) = delete;

private:
    bool enabled_;
};

}  // namespace

PyRef innermost_frame(Gil, PyThreadState* state) noexcept {
    const NoCollection no_collection;
    PyFrameObject* frame = PyThreadState_GetFrame(state);
    PyRef found = PyRef::borrow(reinterpret_cast<PyObject*>(frame));
    Py_XDECREF(frame);
    return found;
}

PyRef frames_of(Gil gil, PyThreadState* state) {
    const NoCollection no_collection;
    PyRef frames = PyRef::steal(PyList_New(0));
    PyRef frame = innermost_frame(gil, state);
    while (frame) {
        if (PyList_Append(frames.get(), frame.get()) != 0) throw PyError{};
        PyFrameObject* back = PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()));
        frame = PyRef::borrow(reinterpret_cast<PyObject*>(back));
        Py_XDECREF(back);
    }
    return frames;
}

bool stalls_traced_code([[maybe_unused]] Gil gil) noexcept {
#if PY_VERSION_HEX < 0x030c0000
    return any_thread_is_traced(gil);
#else
    return false;
#endif
}

bool runs_above(Gil, PyObject* frame, const PyObject* base) noexcept {
    if (base == nullptr) return true;
    const NoCollection no_collection;
    PyRef held = PyRef::borrow(frame);
    while (held) {
        if (held.get() == base) return true;
        PyFrameObject* back = PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(held.get()));
        held = PyRef::borrow(reinterpret_cast<PyObject*>(back));
        Py_XDECREF(back);
    }
    return false;
}

bool runs_above(Gil gil, PyThreadState* state, const PyObject* base) noexcept {
    return base == nullptr || runs_above(gil, innermost_frame(gil, state).get(), base);
}

ThreadPlace::ThreadPlace(Gil gil, PyThreadState* state) : frame(innermost_frame(gil, state)) {
    if (!frame) return;
    instruction = PyFrame_GetLasti(reinterpret_cast<PyFrameObject*>(frame.get()));
}

}  // namespace nif
