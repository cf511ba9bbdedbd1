// SPDX-License-Identifier: Apache-2.0
// term_size.h: whether a copy of terms takes too long for a normal scheduler.
// Threads: scheduler threads, no GIL.
#pragma once

#include <erl_nif.h>

#include <span>

namespace nif {

// Whether copying `terms` may take more than some hundred microseconds. Looks at a few thousand
// cells and elements at most; a number, atom or binary costs one look at its tag. Terms beyond the
// depth limit count as large: that is safe, and such terms are rare.
bool are_large(ErlNifEnv* env, std::span<const ERL_NIF_TERM> terms) noexcept;

}  // namespace nif
