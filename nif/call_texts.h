// SPDX-License-Identifier: Apache-2.0
// call_texts.h: error texts of calls that fail before their reply. Each names its limit.
// Threads: any.
#pragma once

#include <string>

namespace nif {

std::string too_many_calls();
std::string no_handler_within(double seconds);
std::string no_reply_within(double seconds);

}  // namespace nif
