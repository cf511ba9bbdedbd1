// SPDX-License-Identifier: Apache-2.0
// thread_name.h: names the calling thread for ps, gdb and perf. Meson chooses thread_name_linux.cpp
// or thread_name_macos.cpp.
// Threads: any.
#pragma once

namespace nif {

void name_this_thread(const char* name) noexcept;  // at most 15 characters show

}  // namespace nif
