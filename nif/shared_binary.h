// SPDX-License-Identifier: Apache-2.0
// shared_binary.h: Erlang binaries over the buffer of an immutable Python object, without a copy.
// Owns:    one reference to the object until Erlang has collected the last binary over it; then it
//          goes to the drop queue, from whatever scheduler thread that happens on.
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/gil.h"

namespace nif {

using loop_bridge::Gil;

// Smaller objects are cheaper to copy.
inline constexpr std::size_t kMinSharedBytes = 65'536;

// In the NIF's load. False: out of memory.
[[nodiscard]] bool open_shared_binary_resource(ErlNifEnv* env);

// `data` must stay where it is, unchanged, as long as `owner` lives.
ERL_NIF_TERM make_shared_binary(Gil gil, ErlNifEnv* env, PyObject* owner, const void* data,
                                std::size_t size);

}  // namespace nif
