// SPDX-License-Identifier: Apache-2.0
// loop_channel_object.h: the Python object LoopChannel, a loop's channel. It is an attribute of the
// loop, so no other loop can get it and it can't outlive its loop.
// Threads: with the GIL, on the loop's thread.
#pragma once

#include "nif/calls/loop_caller.h"

namespace nif {

// The type LoopChannel of `_erlang`: forget(id), expire(id, seconds), and _drain() and _flush(),
// which the loop calls.
loop_bridge::PyRef make_loop_channel_type(loop_bridge::Gil gil, PyObject* module);

// The running loop's channel, made at its first use. Throws PyError: RuntimeError if no loop runs.
LoopCaller& running_loop_channel(loop_bridge::Gil gil, PyObject* module, const char* function);

// Shuts down the channels of loops whose end the close() hook did not see. Called when another loop
// makes its channel, and by stats().
void end_closed_loops(loop_bridge::Gil gil, PyObject* module);

}  // namespace nif
