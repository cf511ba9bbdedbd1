// SPDX-License-Identifier: Apache-2.0
#include "nif/call_texts.h"

#include <array>
#include <cstdio>

#include "nif/node.h"

namespace nif {

namespace {

// As Python's format code "g" prints them: 0.2, not 0.200000.
std::string printed(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g s", seconds);
    return text.data();
}

}  // namespace

std::string too_many_calls() {
    return std::to_string(Node::instance().meter.limit()) +
           " calls are in flight, the limit of this node (max_in_flight); call again later";
}

std::string no_handler_within(double seconds) {
    return "no Erlang process was ready for the call within " + printed(seconds);
}

std::string no_reply_within(double seconds) { return "no reply within " + printed(seconds); }

}  // namespace nif
