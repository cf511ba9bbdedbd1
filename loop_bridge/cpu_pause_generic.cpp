// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

// Nothing to tell: only keeps the compiler from merging the looks around it.
void cpu_pause() noexcept { asm volatile("" ::: "memory"); }

}  // namespace loop_bridge
