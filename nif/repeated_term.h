// SPDX-License-Identifier: Apache-2.0
// repeated_term.h: finds what kept keys from becoming a map.
#pragma once

#include <erl_nif.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace nif {

// One of the terms that stand in `terms` twice; the first term when none does.
inline ERL_NIF_TERM repeated_term(const ERL_NIF_TERM* terms, std::size_t count) {
    std::vector<ERL_NIF_TERM> sorted(terms, terms + count);
    std::sort(sorted.begin(), sorted.end(),
              [](ERL_NIF_TERM a, ERL_NIF_TERM b) { return enif_compare(a, b) < 0; });
    const auto repeated = std::adjacent_find(
        sorted.begin(), sorted.end(),
        [](ERL_NIF_TERM a, ERL_NIF_TERM b) { return enif_is_identical(a, b) != 0; });
    return repeated == sorted.end() ? terms[0] : *repeated;
}

}  // namespace nif
