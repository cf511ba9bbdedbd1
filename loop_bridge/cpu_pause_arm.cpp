// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

void cpu_pause() noexcept { asm volatile("yield" ::: "memory"); }

}  // namespace loop_bridge
