// SPDX-License-Identifier: Apache-2.0
// cpu_pause.h: tells the processor that this thread is spinning. Tens of nanoseconds.
#pragma once

namespace loop_bridge {

#if defined(__x86_64__) || defined(__i386__)
inline void cpu_pause() noexcept { __builtin_ia32_pause(); }
#elif defined(__aarch64__) || defined(__arm__)
inline void cpu_pause() noexcept { asm volatile("yield" ::: "memory"); }
#else
inline void cpu_pause() noexcept { asm volatile("" ::: "memory"); }
#endif

}  // namespace loop_bridge
