// SPDX-License-Identifier: Apache-2.0
// map_builder.h: Erlang maps from keys and values, on threads that are no schedulers too.
#pragma once

#include <erl_nif.h>

#include <cstddef>
#include <optional>

namespace nif {

// Nothing when two keys are the same term.
std::optional<ERL_NIF_TERM> make_map(ErlNifEnv* env, ERL_NIF_TERM* keys, ERL_NIF_TERM* values,
                                     std::size_t size);

// Building a map of this size leaves much garbage in the environment: use one for the map alone.
bool map_leaves_garbage(std::size_t size) noexcept;

// Whether decoding this external term format may build a map too large for threads that are no
// schedulers on this runtime. Never false for one that would; looks at the bytes only.
bool may_hold_unsafe_map(const unsigned char* external, std::size_t size) noexcept;

// One of the terms that stand in `terms` twice; the first term when none does.
ERL_NIF_TERM repeated_term(const ERL_NIF_TERM* terms, std::size_t count);

}  // namespace nif
