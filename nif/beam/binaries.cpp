// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/binaries.h"

#include "nif/beam/atoms.h"

namespace nif {

ERL_NIF_TERM binaries_term(std::optional<Binaries> binaries) noexcept {
    if (!binaries) return atoms.default_;
    return *binaries == Binaries::kText ? atoms.text : atoms.bytes;
}

std::optional<Binaries> read_binaries(ERL_NIF_TERM term) noexcept {
    if (term == atoms.text) return Binaries::kText;
    if (term == atoms.bytes) return Binaries::kBytes;
    return std::nullopt;
}

std::optional<Binaries> Argument<std::optional<Binaries>>::read(const GivenArgument& given) {
    const auto binaries = read_binaries(given.term);
    if (!binaries && given.term != atoms.default_) given.refuse("must be text, bytes or default");
    return binaries;
}

}  // namespace nif
