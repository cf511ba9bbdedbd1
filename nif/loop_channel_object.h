// SPDX-License-Identifier: Apache-2.0
// loop_channel_object.h: the Python object LoopChannel: a loop's channel, kept as an attribute of
// the loop itself, so that it can be neither confused with another loop's nor outlive it.
// Threads: with the GIL, on the loop's thread.
#pragma once

#include "nif/loop_caller.h"

namespace nif {

// The type LoopChannel of `_erlang`: forget(id), and _drain() and _flush() for the loop to call.
loop_bridge::PyRef make_loop_channel_type(loop_bridge::Gil gil, PyObject* module);

// The running loop's channel, made at its first use. Throws PyError: RuntimeError without one.
LoopCaller& running_loop_channel(loop_bridge::Gil gil, PyObject* module);

// Ends the channels of loops that were closed behind our back (their close() is hooked otherwise):
// done when another loop begins, and when somebody asks what there is.
void end_closed_loops(loop_bridge::Gil gil, PyObject* module);

}  // namespace nif
