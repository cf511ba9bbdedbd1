// SPDX-License-Identifier: Apache-2.0
// call_arguments.h: reads the arguments of `call(name, *args, timeout=None, wait=None,
// binaries=None)`.
// Threads: with the GIL.
#pragma once

#include <cstddef>
#include <optional>

#include "loop_bridge/python/py_ref.h"
#include "nif/beam/binaries.h"

namespace nif {

struct CallArguments {
    PyObject* name = nullptr;         // a str
    PyObject* const* args = nullptr;  // borrowed, the arguments after the name
    std::size_t count = 0;
    std::optional<double> timeout;  // seconds; never negative
    // Whether to wait in line at the limit of the function's concurrency. Nothing: the function's
    // own option decides.
    std::optional<bool> wait;
    // What binaries in the result become. Nothing: the function's own option decides.
    std::optional<Binaries> binaries;
};

// `function` names the caller's function in error texts. Throws PyError.
CallArguments read_call_arguments(loop_bridge::Gil gil, const char* function, PyObject* const* args,
                                  Py_ssize_t count, PyObject* keywords);

}  // namespace nif
