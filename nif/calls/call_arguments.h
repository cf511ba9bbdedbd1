// SPDX-License-Identifier: Apache-2.0
// call_arguments.h: reads the arguments of `call(name, *args, timeout=None, wait=None,
// binaries=None)` and of `map(name, items, *, timeout=None, wait=None, binaries=None,
// concurrency=None)`.
// Threads: with the GIL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "loop_bridge/python/py_ref.h"
#include "nif/beam/binaries.h"

namespace nif {

// A call of a map runs its function once for each item.
struct MapOptions {
    bool starmap = false;  // an item is an iterable of all arguments, not the only argument
    std::optional<std::uint64_t> concurrency;  // the items that run at once; never 0
};

struct CallArguments {
    PyObject* name = nullptr;         // a str
    PyObject* const* args = nullptr;  // borrowed: the arguments after the name, or a map's items
    std::size_t count = 0;
    std::optional<double> timeout;  // seconds; never negative
    // Whether to wait in line at the limit of the function's concurrency. Nothing: the function's
    // own option decides.
    std::optional<bool> wait;
    // What binaries in the result become. Nothing: the function's own option decides.
    std::optional<Binaries> binaries;
    std::optional<MapOptions> map;  // of a map only
};

// `function` names the caller's function in error texts. Throws PyError.
CallArguments read_call_arguments(loop_bridge::Gil gil, const char* function, PyObject* const* args,
                                  Py_ssize_t count, PyObject* keywords);

struct MapArguments {
    CallArguments call;
    loop_bridge::PyRef items;  // a tuple; `call.args` borrows from it
};

// Takes all items from their iterable, whose exceptions pass. Throws PyError.
MapArguments read_map_arguments(loop_bridge::Gil gil, bool starmap, PyObject* const* args,
                                Py_ssize_t count, PyObject* keywords);

}  // namespace nif
