// SPDX-License-Identifier: Apache-2.0
// python_to_term.h: Python objects to Erlang terms, by the tables of docs/types.md.
// Threads: with the GIL. Adapters run Python code, so other threads may run during a conversion.
#pragma once

#include <erl_nif.h>

#include <cstddef>
#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/conversion/conversion_state.h"

namespace nif {

// Returns a term in `env`. `root` is the start of the places in error texts: "args[0]", "result".
// Throws PyError: TypeError for a value without an Erlang type. ValueError for text with lone
// surrogates, for a value that contains itself and for keys that become equal. RecursionError for a
// value that nests too deeply. An adapter's exception passes with a note. After an exception `env`
// may hold some terms.
ERL_NIF_TERM python_to_term(loop_bridge::Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                            PyObject* value, std::string_view root);

// A list of `count` terms; places in error texts start with args[i].
ERL_NIF_TERM python_args_to_list(loop_bridge::Gil gil, const ConversionState& conversion,
                                 ErlNifEnv* env, PyObject* const* args, std::size_t count);

// A list of `count` lists of arguments. An item is the only argument, or with `spread` an iterable
// of all arguments. Places in error texts start with args[i][j].
ERL_NIF_TERM python_items_to_list(loop_bridge::Gil gil, const ConversionState& conversion,
                                  ErlNifEnv* env, PyObject* const* items, std::size_t count,
                                  bool spread);

}  // namespace nif
