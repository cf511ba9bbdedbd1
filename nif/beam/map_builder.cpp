// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/map_builder.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace nif {

namespace {

// Before OTP 27.3 and its backports (erlang/otp issue 8208), enif_make_map_from_arrays() with more
// keys than this crashes the node on a thread that is no scheduler. OTP 28 is the first release
// whose runtime certainly has the fix.
constexpr std::size_t kMaxSafeArray = 128;
constexpr int kMendedRuntime = 16;

bool large_arrays_are_safe() noexcept {
    static const bool safe = [] {
        ErlNifSysInfo info;
        enif_system_info(&info, sizeof info);
        return std::atoi(info.erts_version) >= kMendedRuntime;
    }();
    return safe;
}

}  // namespace

bool map_leaves_garbage(std::size_t size) noexcept {
    return size > kMaxSafeArray && !large_arrays_are_safe();
}

std::optional<ERL_NIF_TERM> make_map(ErlNifEnv* env, ERL_NIF_TERM* keys, ERL_NIF_TERM* values,
                                     std::size_t size) {
    const std::size_t at_once = map_leaves_garbage(size) ? kMaxSafeArray : size;
    ERL_NIF_TERM map = 0;
    if (enif_make_map_from_arrays(env, keys, values, at_once, &map) == 0) return std::nullopt;
    for (std::size_t i = at_once; i < size; ++i) {
        if (enif_make_map_put(env, map, keys[i], values[i], &map) == 0) return std::nullopt;
    }
    // Maps of more than 32 keys drop repeated keys silently (erlang/otp issue 10975).
    std::size_t distinct = 0;
    enif_get_map_size(env, map, &distinct);
    if (distinct != size) return std::nullopt;
    return map;
}

bool may_hold_unsafe_map(const unsigned char* external, std::size_t size) noexcept {
    constexpr unsigned char kMap = 116;  // then the number of entries, 4 bytes, big-endian
    constexpr unsigned char kCompressed = 80;
    constexpr std::size_t kHeader = 5;
    if (large_arrays_are_safe()) return false;
    if (size > 1 && external[1] == kCompressed) return true;
    for (std::size_t i = 0; i + kHeader <= size; ++i) {
        if (external[i] != kMap) continue;
        std::uint64_t entries = 0;
        for (std::size_t j = 1; j < kHeader; ++j) entries = entries << 8 | external[i + j];
        // Each entry takes at least two bytes.
        if (entries > kMaxSafeArray && 2 * entries <= size - i) return true;
    }
    return false;
}

ERL_NIF_TERM repeated_term(const ERL_NIF_TERM* terms, std::size_t count) {
    std::vector<ERL_NIF_TERM> sorted(terms, terms + count);
    std::sort(sorted.begin(), sorted.end(),
              [](ERL_NIF_TERM a, ERL_NIF_TERM b) { return enif_compare(a, b) < 0; });
    const auto repeated = std::adjacent_find(
        sorted.begin(), sorted.end(),
        [](ERL_NIF_TERM a, ERL_NIF_TERM b) { return enif_is_identical(a, b) != 0; });
    return repeated == sorted.end() ? terms[0] : *repeated;
}

}  // namespace nif
