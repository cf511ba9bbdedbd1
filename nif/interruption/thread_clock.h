// SPDX-License-Identifier: Apache-2.0
// thread_clock.h: the clock of the processor time that the calling thread has used. Meson chooses
// thread_clock_posix.cpp or thread_clock_macos.cpp.
// Threads: any.
#pragma once

#include <optional>

namespace nif {

// For clock_gettime(2) on any thread. None on platforms without such clocks.
std::optional<long> clock_of_this_thread() noexcept;

}  // namespace nif
