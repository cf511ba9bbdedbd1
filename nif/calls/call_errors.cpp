// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/call_errors.h"

#include <array>
#include <cstdio>

#include "nif/node/node.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// As Python's format code "g" prints them: 0.2, not 0.200000.
std::string printed(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g s", seconds);
    return text.data();
}

}  // namespace

PyRef make_call_error(Gil, const ModuleState& state, const char* kind, PyObject* name,
                      const char* text) {
    return PyRef::steal(
        PyObject_CallFunction(state.make_error.get(), "sOOs[]", kind, name, Py_None, text));
}

std::string too_many_calls() {
    return std::to_string(Node::instance().meter.limit()) +
           " calls are in flight, the limit of this node (max_in_flight); call again later";
}

std::string no_handler_within(double seconds) {
    return "no Erlang process was ready for the call within " + printed(seconds);
}

std::string no_reply_within(double seconds) { return "no reply within " + printed(seconds); }

}  // namespace nif
