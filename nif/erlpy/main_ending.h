// SPDX-License-Identifier: Apache-2.0
// main_ending.h: the end of a main program, as in python3, except that the interpreter stays.
// Threads: Python's main thread.
#pragma once

#include <functional>

#include "loop_bridge/python/gil.h"

namespace nif {

// Waits until the node's hosted loops have ended: they may need threads and executors until then.
// Throws PyError if a signal handler raises, e.g. for Ctrl-C.
using EndLoops = std::function<void(loop_bridge::Gil)>;

// Ends the hosted loops, waits for the program's threads, runs its exit functions and flushes the
// buffers. False if the last part of standard output was lost. A fork hosts no loops.
[[nodiscard]] bool end_program(loop_bridge::Gil gil, const EndLoops& end_loops);

}  // namespace nif
