// SPDX-License-Identifier: Apache-2.0
// adapters.h: erlang._adapters as the conversion sees it. Needs the GIL throughout.
#pragma once

#include <string>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

struct Adapters {
    // Imported at first need: the package `erlang` itself imports the module that owns this.
    void load(Gil gil);

    // An Enum member, or an object whose class got an adapter although a built-in type that
    // converts by itself is among its bases: the adapter goes first.
    bool goes_first(Gil gil, PyObject* object);

    // What the adapter of the object's class makes of it; null without an error when there is no
    // adapter. Throws what the adapter raised.
    PyRef adapt(Gil gil, PyObject* object);

    // Why adapt() has nothing for `object`, and what its user can do.
    std::string why_refused(Gil gil, PyObject* object);

    int traverse(visitproc visit, void* arg) const;
    void clear() noexcept;

private:
    PyRef adapt_;        // callable
    PyRef why_refused_;  // callable
    PyRef enum_;         // enum.Enum
    PyRef overriding_;   // dict: registered classes that have a convertible base
};

}  // namespace nif
