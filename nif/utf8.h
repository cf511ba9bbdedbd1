// SPDX-License-Identifier: Apache-2.0
// utf8.h: tells text from other bytes. Strict as Python and Erlang are: no surrogates, nothing
// overlong, nothing above U+10FFFF. Any thread, no GIL.
#pragma once

#include <cstddef>

namespace nif {

enum class TextKind { kAscii, kUtf8, kNotText };

TextKind classify_text(const unsigned char* data, std::size_t size) noexcept;

}  // namespace nif
