// SPDX-License-Identifier: Apache-2.0
// py_handle.h: one owned reference to a Python object, which may be destroyed anywhere.
// Threads: made, moved and read with the GIL; destroyed on any thread. Without the GIL the drop
//          queue takes the reference.
#pragma once

#include <utility>

#include "loop_bridge/python/drop_queue.h"
#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

class PyHandle {
public:
    PyHandle() = default;
    explicit PyHandle(PyRef object) noexcept : object_(object.release()) {}
    PyHandle(PyHandle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    PyHandle& operator=(PyHandle&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    PyHandle(const PyHandle&) = delete;
    PyHandle& operator=(const PyHandle&) = delete;
    ~PyHandle() {
        if (object_ != nullptr) DropQueue::push(object_);
    }

    // Another reference; null if there is no object.
    PyRef get(Gil) const noexcept { return PyRef::borrow(object_); }
    // Drops the reference at once. Python code may run then, and sees this handle empty.
    void reset(Gil) noexcept { Py_CLEAR(object_); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    PyObject* object_ = nullptr;
};

}  // namespace loop_bridge
