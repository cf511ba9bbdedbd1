// SPDX-License-Identifier: Apache-2.0
// adapters.h: calls erlang._adapters for the conversion.
// Threads: with the GIL.
#pragma once

#include <string>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

struct Adapters {
    // Imports erlang._adapters at the first use: the package `erlang` imports `_erlang`, which owns
    // this object.
    void load(Gil gil);

    // True for an Enum member, and for a subclass of a convertible type whose class has an adapter.
    // In both cases the adapter takes precedence over the type's own conversion.
    bool goes_first(Gil gil, PyObject* object);

    // The value that the adapter of the object's class returns. Null without an error if there is
    // no adapter. Throws the adapter's exception.
    PyRef adapt(Gil gil, PyObject* object);

    // Why adapt() returns null for `object`, and what to send in its place.
    std::string why_refused(Gil gil, PyObject* object);

private:
    PyRef adapt_;        // callable
    PyRef why_refused_;  // callable
    PyRef enum_;         // enum.Enum
    PyRef overriding_;   // dict: registered classes that have a convertible base
};

}  // namespace nif
