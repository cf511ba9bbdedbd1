// SPDX-License-Identifier: Apache-2.0
// conversion_floor.h: the least cost of a conversion: a value made again by hand.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

// By CPython's API alone. The API makes no Atom, so an Atom only gets one more reference.
PyRef object_made_again(Gil gil, PyObject* value);

// By enif_* alone, in `env`. The keys of its maps are ordered already.
ERL_NIF_TERM term_made_again(ErlNifEnv* env, ERL_NIF_TERM term);

}  // namespace nif
