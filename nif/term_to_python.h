// SPDX-License-Identifier: Apache-2.0
// term_to_python.h: Erlang terms as Python objects, by the type table of the README.
#pragma once

#include <erl_nif.h>

#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/erlang_types.h"

namespace nif {

// The object shares nothing with `env`. Throws PyError: TypeError naming the place and the term
// for what has no Python value (`result['k'][3]`), RecursionError for what nests too deeply.
PyRef term_to_python(Gil gil, const ErlangTypes& types, ErlNifEnv* env, ERL_NIF_TERM term,
                     std::string_view root = "result");

}  // namespace nif
