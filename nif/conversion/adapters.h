// SPDX-License-Identifier: Apache-2.0
// adapters.h: calls erlang._adapters for the conversion.
// Threads: with the GIL.
#pragma once

#include <string>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

struct Adapters {
    // Imports erlang._adapters at the first use: the package `erlang` imports `_erlang`, which owns
    // this object.
    void load(loop_bridge::Gil gil);

    // True for an Enum member, and for a subclass of a convertible type whose class has an adapter.
    // In both cases the adapter takes precedence over the type's own conversion.
    bool goes_first(loop_bridge::Gil gil, PyObject* object);

    // The value that the adapter of the object's class returns. Null without an error if there is
    // no adapter. Throws the adapter's exception.
    loop_bridge::PyRef adapt(loop_bridge::Gil gil, PyObject* object);

    // The Python value for an Elixir struct whose fields are in the dict, or the dict itself.
    // Throws TypeError or ValueError for a struct that has none.
    loop_bridge::PyRef from_struct(loop_bridge::Gil gil, PyObject* fields);

    // Why adapt() returns null for `object`, and what to send in its place.
    std::string why_refused(loop_bridge::Gil gil, PyObject* object);

private:
    loop_bridge::PyRef adapt_;        // callable
    loop_bridge::PyRef why_refused_;  // callable
    loop_bridge::PyRef enum_;         // enum.Enum
    loop_bridge::PyRef from_struct_;  // callable
    loop_bridge::PyRef overriding_;   // dict: registered classes that have a convertible base
};

}  // namespace nif
