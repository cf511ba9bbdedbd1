// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/call_errors.h"

#include <array>
#include <cstdio>
#include <string>

#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::PyRef;

namespace {

// As Python's format code "g" prints them: 0.2, not 0.200000.
std::string printed(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g s", seconds);
    return text.data();
}

}  // namespace

PyRef CallErrors::too_many_calls() const {
    const std::string text =
        std::to_string(Bridge::instance().meter.limit()) +
        " calls are in flight, the limit of this node (max_in_flight); call again later";
    return make("overloaded", text.c_str());
}

PyRef CallErrors::not_running() const { return make("disconnected", kNotRunning); }

PyRef CallErrors::outlived_its_application() const {
    return make("disconnected",
                "this thread belongs to a run of the application erlang_python that was stopped");
}

PyRef CallErrors::handler_gone() const {
    return make("disconnected", "the Erlang process that handled the call is gone");
}

PyRef CallErrors::no_handler_within(double seconds) const {
    const std::string text = "no Erlang process was ready for the call within " + printed(seconds);
    return make("timeout", text.c_str());
}

PyRef CallErrors::no_reply_within(double seconds) const {
    const std::string text = "no reply within " + printed(seconds);
    return make("timeout", text.c_str());
}

PyRef CallErrors::make(const char* kind, const char* text) const {
    return PyRef::steal(
        PyObject_CallFunction(state_.make_error.get(), "sOOs[]", kind, name_, Py_None, text));
}

}  // namespace nif
