// SPDX-License-Identifier: Apache-2.0
// message_sender.h: erlang.send, and the messages of the package itself.
// Threads: with the GIL, on Python threads.
#pragma once

#include "nif/conversion/conversion_state.h"

namespace nif {

// Sends to a Pid, a registered name, or (name, node). Throws PyError: TypeError for other
// receivers, ValueError for a name without a process.
void send_message(loop_bridge::Gil gil, const ConversionState& conversion, PyObject* to,
                  PyObject* message);

// Throws TypeError unless `process` is a Pid.
ErlNifPid pid_of(loop_bridge::Gil gil, const ConversionState& conversion, PyObject* process);

// The logger can take lines.
void send_lines(const ErlNifPid& logger);

}  // namespace nif
