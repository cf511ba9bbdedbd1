// SPDX-License-Identifier: Apache-2.0
// conversion_floor.h: what conversion can't be cheaper than: a value made once more by hand.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

// By CPython's API alone. An Atom, for which it has no maker, is only referred to once more.
PyRef object_made_again(Gil gil, PyObject* value);

// By enif_* alone, in `env`. Its maps have their keys in order already.
ERL_NIF_TERM term_made_again(ErlNifEnv* env, ERL_NIF_TERM term);

}  // namespace nif
