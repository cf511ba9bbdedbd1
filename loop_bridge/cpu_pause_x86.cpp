// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

void cpu_pause() noexcept { __builtin_ia32_pause(); }

}  // namespace loop_bridge
