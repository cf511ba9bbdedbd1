// SPDX-License-Identifier: Apache-2.0
// python_to_term.h: Python objects as Erlang terms, by the type table of the README.
// Python code may run meanwhile (adapters), and with it other threads.
#pragma once

#include <erl_nif.h>

#include <cstddef>
#include <string_view>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/erlang_types.h"

namespace nif {

// A term in `env`. `root` is how the places in error texts start: "args[0]", "result".
// Throws PyError: TypeError for what has no Erlang value, ValueError for text with lone surrogates,
// values that contain themselves and keys that become one, RecursionError for what nests too
// deeply; what an adapter raises passes with a note. `env` may hold some terms then.
ERL_NIF_TERM python_to_term(Gil gil, const ErlangTypes& types, ErlNifEnv* env, PyObject* value,
                            std::string_view root);

// A list of `count` terms; places in error texts start with args[i].
ERL_NIF_TERM python_args_to_list(Gil gil, const ErlangTypes& types, ErlNifEnv* env,
                                 PyObject* const* args, std::size_t count);

}  // namespace nif
