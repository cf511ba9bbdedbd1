// SPDX-License-Identifier: Apache-2.0
// erlang_module.h: the builtin module `_erlang` under the Python package `erlang`.
// Threads: with the GIL.
#pragma once

#include "loop_bridge/python/gil.h"

namespace nif {

// For PyImport_AppendInittab.
PyObject* init_erlang_module() noexcept;

}  // namespace nif
