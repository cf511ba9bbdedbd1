// SPDX-License-Identifier: Apache-2.0
// term_to_python.h: Erlang terms to Python objects, by the type table of the README.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/conversion/conversion_state.h"

namespace nif {

// The object shares nothing with `env`. Throws PyError: TypeError for a term without a Python
// value, with the place (`result['k'][3]`) and the term. RecursionError for a term that nests too
// deeply.
loop_bridge::PyRef term_to_python(loop_bridge::Gil gil, const ConversionState& conversion,
                                  ErlNifEnv* env, ERL_NIF_TERM term,
                                  std::string_view root = "result");

}  // namespace nif
