// SPDX-License-Identifier: Apache-2.0
// binaries.h: what Erlang binaries become in Python. The choice never depends on the data.
// Threads: any, no GIL.
#pragma once

#include <optional>

#include "nif/beam/nif_argument.h"

namespace nif {

enum class Binaries : unsigned char {
    kText,   // str; a binary that is not UTF-8 is refused
    kBytes,  // bytes
};

// `text' or `bytes'; `default' if nothing is chosen: py_function_call:binaries().
ERL_NIF_TERM binaries_term(std::optional<Binaries> binaries) noexcept;
// Nothing for `default', and for any other term.
std::optional<Binaries> read_binaries(ERL_NIF_TERM term) noexcept;

template <>
struct Argument<std::optional<Binaries>> {
    static std::optional<Binaries> read(const GivenArgument& given);
};

}  // namespace nif
