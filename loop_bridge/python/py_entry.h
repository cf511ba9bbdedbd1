// SPDX-License-Identifier: Apache-2.0
// py_entry.h: the entry from CPython to C++. The one place that turns C++ exceptions into Python
// errors; none gets through to CPython.
// Threads: with the GIL.
#pragma once

#include <utility>

#include "loop_bridge/python/py_error.h"
#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

// Sets the Python error for the C++ exception that is being handled:
//     PyError             the error that is set already
//     std::bad_alloc      MemoryError
//     std::system_error   OSError with its number, as the standard library does
//     any other           RuntimeError
void set_handled_exception(Gil gil) noexcept;

// Runs `body(gil)`, which returns a PyRef. Returns the owned object to CPython, or null with an
// error set.
template <class Body>
PyObject* python_entry(Body&& body) noexcept {
    const Gil gil = Gil::held_by_caller();
    try {
        return std::forward<Body>(body)(gil).release();
    } catch (...) {
        set_handled_exception(gil);
        return nullptr;
    }
}

}  // namespace loop_bridge
