// SPDX-License-Identifier: Apache-2.0
// call_errors.h: errors of calls that fail before their reply. Each text names its limit.
// Threads: any; make_call_error() with the GIL.
#pragma once

#include <string>

#include "nif/node/module_state.h"

namespace nif {

// The exception of class `kind` for a call of `name`.
loop_bridge::PyRef make_call_error(loop_bridge::Gil gil, const ModuleState& state, const char* kind,
                                   PyObject* name, const char* text);

std::string too_many_calls();
std::string no_handler_within(double seconds);
std::string no_reply_within(double seconds);

}  // namespace nif
