// SPDX-License-Identifier: Apache-2.0
// native_thread.h: threads on which Python runs. Their stacks are big, which those of the BEAM's
// schedulers are not: ordinary Python recursion through C would overrun them.
#pragma once

#include <functional>

namespace nif {

// Starts a detached thread; throws std::system_error. `name` shows in ps and gdb (15 characters).
void start_native_thread(const char* name, std::function<void()> body);

}  // namespace nif
