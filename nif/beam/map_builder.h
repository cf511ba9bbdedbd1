// SPDX-License-Identifier: Apache-2.0
// map_builder.h: Erlang maps from keys and values, also on threads that are no schedulers.
// Threads: any.
#pragma once

#include <erl_nif.h>

#include <cstddef>
#include <optional>

namespace nif {

// Nothing if two keys are the same term.
std::optional<ERL_NIF_TERM> make_map(ErlNifEnv* env, ERL_NIF_TERM* keys, ERL_NIF_TERM* values,
                                     std::size_t size);

// Whether a map of this size leaves much garbage in its environment. Then use an environment for
// the map alone.
bool map_leaves_garbage(std::size_t size) noexcept;

// Whether decoding these bytes may build a map too large for this runtime, on a thread that is no
// scheduler. May be true for a safe map, but is never false for an unsafe one. Only looks at the
// bytes.
bool may_hold_unsafe_map(const unsigned char* external, std::size_t size) noexcept;

// One of the terms that occur twice in `terms`; the first term if none does.
ERL_NIF_TERM repeated_term(const ERL_NIF_TERM* terms, std::size_t count);

}  // namespace nif
