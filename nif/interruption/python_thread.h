// SPDX-License-Identifier: Apache-2.0
// python_thread.h: names a thread that runs Python code, also after its end.
// Threads: any, with the GIL. No Python code runs here, so callers may walk lists meanwhile.
//
// The ident of a thread (a pthread_t) names another thread as soon as its thread has ended. CPython
// gives each thread state a number that it never gives again. A thread of C code has one thread
// state after the other; no Python code outlives its thread state.
#pragma once

#include <cstdint>
#include <optional>

#include "loop_bridge/python/gil.h"

namespace nif {

using ThreadNumber = std::uint64_t;

// Of the calling thread.
ThreadNumber this_thread(loop_bridge::Gil gil) noexcept;

// What the janitor needs to know of a thread that may end at any time. Only the thread itself may
// ask for its clock: the C library reads the memory of the thread, which is gone after its end.
struct PythonThread {
    ThreadNumber number = 0;
    // The clock of the thread's processor time, for clock_gettime(2). It fails when the thread has
    // ended. None on platforms without such clocks.
    std::optional<long> clock{};

    static PythonThread current(loop_bridge::Gil gil) noexcept;
};

// Null if the thread has ended.
PyThreadState* state_of_thread(loop_bridge::Gil gil, ThreadNumber thread) noexcept;
// For reports: the thread that has this ident now. Null if there is none.
PyThreadState* state_of_ident(loop_bridge::Gil gil, unsigned long ident) noexcept;
bool any_thread_is_traced(loop_bridge::Gil gil) noexcept;

}  // namespace nif
