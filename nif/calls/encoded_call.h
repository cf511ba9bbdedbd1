// SPDX-License-Identifier: Apache-2.0
// encoded_call.h: the front of a call, the same for threads and loops. The call is admitted; then
// its name, its arguments and its options become terms.
// Threads: with the GIL.
#pragma once

#include <optional>

#include "loop_bridge/call_meter.h"
#include "nif/beam/messages.h"
#include "nif/beam/term_env.h"
#include "nif/calls/call_arguments.h"
#include "nif/node/module_state.h"
#include "nif/requests/nesting.h"

namespace nif {

struct EncodedCall {
    loop_bridge::CallMeter::Ticket ticket;
    CallTerms terms;  // in the environment that was given to encode_call()
};

// Nothing if the node's limit of calls in flight is reached; an `exempt` call may exceed the limit.
// Makes `env` if it is null. Several calls may share one environment. Throws PyError for a name or
// an argument that is no term.
[[nodiscard]] std::optional<EncodedCall> encode_call(loop_bridge::Gil gil, const ModuleState& state,
                                                     const CallArguments& call,
                                                     const Nesting& nesting, bool exempt,
                                                     TermEnv& env);

}  // namespace nif
