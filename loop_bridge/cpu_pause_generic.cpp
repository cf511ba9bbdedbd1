// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

// There is no instruction for it. This only keeps the compiler from merging the surrounding reads.
void cpu_pause() noexcept { asm volatile("" ::: "memory"); }

}  // namespace loop_bridge
