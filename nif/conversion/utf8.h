// SPDX-License-Identifier: Apache-2.0
// utf8.h: tells text from other bytes. As strict as Python and Erlang: no surrogates, no overlong
// forms, nothing above U+10FFFF.
// Threads: any.
#pragma once

#include <cstddef>

namespace nif {

enum class TextKind { kAscii, kUtf8, kNotText };

TextKind classify_text(const unsigned char* data, std::size_t size) noexcept;

}  // namespace nif
