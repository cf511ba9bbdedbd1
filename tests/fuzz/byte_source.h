// SPDX-License-Identifier: Apache-2.0
// byte_source.h: an input's bytes, one for each decision. Zeros follow the last byte.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace fuzz {

class ByteSource {
public:
    explicit ByteSource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    bool empty() const { return bytes_.empty(); }

    std::uint8_t byte() { return number<std::uint8_t>(); }

    // Returns a number below `bound`.
    unsigned below(unsigned bound) { return byte() % bound; }

    template <class T>
    T number() {
        T value{};
        const auto taken = take(sizeof value);
        std::memcpy(&value, taken.data(), taken.size());
        return value;
    }

    // Takes `count` bytes, or all remaining bytes if there are fewer.
    std::span<const std::uint8_t> take(std::size_t count) {
        const auto taken = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }

    // Up to 511: the encoding changes for data of more than 255 bytes.
    std::size_t size() {
        const std::size_t size = byte();
        return size < 250 ? size : 256U + byte();
    }

private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace fuzz
