// SPDX-License-Identifier: Apache-2.0
// py_ref.h: one owned reference to a Python object.
// Threads: made, copied and destroyed with the GIL.
#pragma once

#include <utility>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_error.h"

namespace loop_bridge {

class PyRef {
public:
    PyRef() = default;

    // Takes over a new reference. Null means that the call which made it has set a Python error.
    static PyRef steal(PyObject* object) {
        if (object == nullptr) throw PyError{};
        return PyRef{object};
    }
    static PyRef borrow(PyObject* object) noexcept {
        Py_XINCREF(object);
        return PyRef{object};
    }

    PyRef(PyRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    PyRef& operator=(PyRef&& other) noexcept {
        // Drop the old object last: its destructor may run Python code that uses this reference.
        PyObject* old = std::exchange(object_, std::exchange(other.object_, nullptr));
        Py_XDECREF(old);
        return *this;
    }
    PyRef(const PyRef& other) noexcept : PyRef(borrow(other.object_)) {}
    PyRef& operator=(const PyRef& other) noexcept { return *this = PyRef{other}; }
    ~PyRef() { Py_XDECREF(object_); }

    PyObject* get() const noexcept { return object_; }
    // The caller owns the reference now.
    [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
    void reset() noexcept { *this = PyRef{}; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    explicit PyRef(PyObject* object) noexcept : object_(object) {}
    PyObject* object_ = nullptr;
};

}  // namespace loop_bridge
