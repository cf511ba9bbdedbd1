// SPDX-License-Identifier: Apache-2.0
// native_thread.h: threads for Python, with large stacks. The stacks of the BEAM's schedulers are
// too small for ordinary Python recursion through C.
// Threads: any.
#pragma once

#include <functional>

namespace nif {

// Starts a detached thread; throws std::system_error. `name` shows in ps and gdb (15 characters).
// An exception that leaves `body` is reported on stderr, and ends the thread, not the node.
void start_native_thread(const char* name, std::function<void()> body);

}  // namespace nif
