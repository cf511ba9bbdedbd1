// SPDX-License-Identifier: Apache-2.0
// bytes_to_term.h: str, bytes and other buffers as Erlang binaries.
// Threads: with the GIL.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"

namespace nif {

// All functions throw PyError. Large immutable objects are shared with Erlang, others are copied.

// `text` is a str. Throws UnicodeEncodeError, a ValueError, for lone surrogates.
ERL_NIF_TERM text_to_term(loop_bridge::Gil gil, ErlNifEnv* env, PyObject* text);
// `bytes` is a bytes object.
ERL_NIF_TERM bytes_to_term(loop_bridge::Gil gil, ErlNifEnv* env, PyObject* bytes);
// `object` has the buffer protocol: bytearray, memoryview.
ERL_NIF_TERM buffer_to_term(loop_bridge::Gil gil, ErlNifEnv* env, PyObject* object);

}  // namespace nif
