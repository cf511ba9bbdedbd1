// SPDX-License-Identifier: Apache-2.0
// term_to_python.h: Erlang terms to Python objects, by the tables of docs/types.md.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/beam/binaries.h"
#include "nif/conversion/conversion_state.h"
#include "nif/conversion/value_path.h"

namespace nif {

// The object shares nothing with `env`. Throws PyError: TypeError for a term without a Python
// value, with the place (`result['k'][3]`) and the term. RecursionError for a term that nests too
// deeply. The place starts at `root` and the steps up to `at`.
loop_bridge::PyRef term_to_python(loop_bridge::Gil gil, const ConversionState& conversion,
                                  ErlNifEnv* env, ERL_NIF_TERM term, Binaries binaries,
                                  std::string_view root = "result", const PathStep* at = nullptr);

// The same for a map of names: its keys are texts, whatever `binaries` are.
loop_bridge::PyRef named_terms_to_python(loop_bridge::Gil gil, const ConversionState& conversion,
                                         ErlNifEnv* env, ERL_NIF_TERM map, Binaries binaries,
                                         std::string_view root, const PathStep* at = nullptr);

}  // namespace nif
