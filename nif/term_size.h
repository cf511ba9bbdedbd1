// SPDX-License-Identifier: Apache-2.0
// term_size.h: whether a copy of terms takes too long for a normal scheduler.
// Threads: scheduler threads, no GIL.
#pragma once

#include <erl_nif.h>

#include <span>

namespace nif {

// True when copying `terms` may take more than some hundred microseconds. Looks at a few thousand
// cells and elements at most; numbers, atoms and binaries cost a look at their tag. Terms nested
// deeper than the walk goes count as large: that is safe, and rare.
bool are_large(ErlNifEnv* env, std::span<const ERL_NIF_TERM> terms) noexcept;

}  // namespace nif
