// SPDX-License-Identifier: Apache-2.0
// main_ending.h: what python3 does when its main program has ended, as far as the interpreter,
// which stays, allows. Threads: Python's main thread.
#pragma once

#include "loop_bridge/python/gil.h"

namespace nif {

// Waits for the program's threads, runs its exit functions and writes out what is buffered. False
// if the last of standard output was lost.
[[nodiscard]] bool end_program(loop_bridge::Gil gil);

}  // namespace nif
