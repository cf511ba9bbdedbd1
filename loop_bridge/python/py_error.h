// SPDX-License-Identifier: Apache-2.0
// py_error.h: Python exceptions on their way through C++.
// Threads: with the GIL.
#pragma once

#include <exception>

#include "loop_bridge/python/gil.h"

namespace loop_bridge {

// The Python error indicator of this thread is set. The catcher passes the indicator on to Python,
// or clears it with take_error().
class PyError : public std::exception {
public:
    const char* what() const noexcept override { return "a Python exception is set"; }
};

// Sets the indicator and throws.
[[noreturn]] void raise_python(Gil gil, PyObject* type, const char* message);

// Sets an exception instance as the pending one ...
void set_error(Gil gil, PyObject* exception) noexcept;
// ... and throws.
[[noreturn]] void raise_object(Gil gil, PyObject* exception);

// Takes the pending exception out of the indicator. Returns a new reference, normalised and with
// its traceback; null if none is pending.
[[nodiscard]] PyObject* take_error(Gil gil) noexcept;

}  // namespace loop_bridge
