// SPDX-License-Identifier: Apache-2.0
// big_integer.h: integers beyond 64 bits, through Erlang's external term format.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

// Methods of int itself, looked up once. A subclass of int can't replace them.
struct IntegerMethods {
    static IntegerMethods look_up(loop_bridge::Gil gil);

    loop_bridge::PyRef bit_length, to_bytes, from_bytes;
    loop_bridge::PyRef little;  // 'little'
};

// `term` is an integer.
loop_bridge::PyRef big_integer_to_python(loop_bridge::Gil gil, const IntegerMethods& methods,
                                         ErlNifEnv* env, ERL_NIF_TERM term);

// `value` is an int. Throws OverflowError if it is larger than Erlang allows.
ERL_NIF_TERM big_integer_to_term(loop_bridge::Gil gil, const IntegerMethods& methods,
                                 ErlNifEnv* env, PyObject* value);

}  // namespace nif
