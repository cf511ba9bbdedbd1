// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/utf8.h"

#include <cstdint>
#include <cstring>

namespace nif {

namespace {

std::size_t ascii_prefix(const unsigned char* data, std::size_t size) noexcept {
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    std::size_t i = 0;
    for (; size - i >= sizeof(std::uint64_t); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, data + i, sizeof word);
        if ((word & kHighBits) != 0) break;
    }
    while (i < size && data[i] < 0x80) ++i;
    return i;
}

bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

// The length of the valid multi-byte sequence at `data`; 0 if there is none.
std::size_t sequence_length(const unsigned char* data, std::size_t size) noexcept {
    const unsigned char lead = data[0];
    if (lead < 0xC2 || lead > 0xF4 || size < 2 || !is_continuation(data[1])) return 0;
    if (lead < 0xE0) return 2;
    if (size < 3 || !is_continuation(data[2])) return 0;
    if (lead < 0xF0) {
        const bool overlong = lead == 0xE0 && data[1] < 0xA0;
        const bool surrogate = lead == 0xED && data[1] >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (size < 4 || !is_continuation(data[3])) return 0;
    const bool overlong = lead == 0xF0 && data[1] < 0x90;
    const bool too_large = lead == 0xF4 && data[1] >= 0x90;
    return overlong || too_large ? 0 : 4;
}

}  // namespace

TextKind classify_text(const unsigned char* data, std::size_t size) noexcept {
    std::size_t i = ascii_prefix(data, size);
    if (i == size) return TextKind::kAscii;
    while (i < size) {
        const std::size_t length = sequence_length(data + i, size - i);
        if (length == 0) return TextKind::kNotText;
        i += length;
        if (i < size && data[i] < 0x80) i += ascii_prefix(data + i, size - i);
    }
    return TextKind::kUtf8;
}

}  // namespace nif
