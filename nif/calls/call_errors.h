// SPDX-License-Identifier: Apache-2.0
// call_errors.h: the exceptions of calls that end without a reply. Each text names its limit.
// Threads: with the GIL.
#pragma once

#include "nif/node/module_state.h"

namespace nif {

inline constexpr const char* kNotRunning = "the application erlang_python is not running";

// Each makes the exception for a call of the function `name`.
class CallErrors {
public:
    CallErrors(loop_bridge::Gil, const ModuleState& state, PyObject* name) noexcept
        : state_(state), name_(name) {}

    // erlang.Overloaded
    loop_bridge::PyRef too_many_calls() const;
    // erlang.Disconnected
    loop_bridge::PyRef not_running() const;
    loop_bridge::PyRef outlived_its_application() const;
    loop_bridge::PyRef handler_gone() const;
    // erlang.Timeout
    loop_bridge::PyRef no_handler_within(double seconds) const;
    loop_bridge::PyRef no_reply_within(double seconds) const;

private:
    // `kind` is a key of erlang._errors._CLASSES.
    loop_bridge::PyRef make(const char* kind, const char* text) const;

    const ModuleState& state_;
    PyObject* name_;
};

}  // namespace nif
