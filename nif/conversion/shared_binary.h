// SPDX-License-Identifier: Apache-2.0
// shared_binary.h: Erlang binaries that share the buffer of an immutable Python object.
// Threads: with the GIL; the binaries may die on any scheduler thread.
// Owns:    one reference to the object, until Erlang has collected the last binary over it. Then
//          the drop queue gets the reference.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"

namespace nif {

// Smaller objects are cheaper to copy.
inline constexpr std::size_t kMinSharedBytes = 65'536;

// Called in the NIF's load. False: out of memory.
[[nodiscard]] bool open_shared_binary_resource(ErlNifEnv* env);

// `data` must keep its address and content as long as `owner` lives.
ERL_NIF_TERM make_shared_binary(loop_bridge::Gil gil, ErlNifEnv* env, PyObject* owner,
                                const void* data, std::size_t size);

}  // namespace nif
