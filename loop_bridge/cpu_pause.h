// SPDX-License-Identifier: Apache-2.0
// cpu_pause.h: tells the processor that this thread is spinning. Tens of nanoseconds at most.
// One file for each family of processors, chosen by Meson.
// Threads: any.
#pragma once

namespace loop_bridge {

void cpu_pause() noexcept;

}  // namespace loop_bridge
