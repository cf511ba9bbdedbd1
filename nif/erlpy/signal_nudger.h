// SPDX-License-Identifier: Apache-2.0
// signal_nudger.h: makes Python's main thread notice a signal soon. A signal may come after the
// thread's last check for signals and before the system call in which it waits. CPython itself then
// notices the signal only when that call returns, e.g. at the end of a long sleep. The gap is wide
// if other threads are busy: a thread that gives up the GIL waits there until another takes it.
// Beside two busy threads, 2 of 1,200 signals at random times came in this gap.
// Threads: arrived(), ignore() signal handlers; the rest Python's main thread. No GIL.
//
// While the handler of an arrived signal has not been called, the nudger sends another signal to
// the main thread now and then. That signal does nothing but interrupt the wait.
#pragma once

#include <csignal>

namespace nif {

class SignalNudger {
public:
    // SIGURG is ignored by default, and few programs use it. A program with its own SIGURG handler
    // gets no nudges.
    static constexpr int kSignal = SIGURG;
    // The handler of kSignal.
    static void ignore(int number) noexcept;

    // Once. From now on the calling thread gets the nudges. Throws std::system_error.
    static void start();
    // Python knows of a signal (1 to 31) and will call its handler.
    static void arrived(int number) noexcept;
    // Python calls the handler now, or will never call it.
    static void noticed(int number) noexcept;
};

}  // namespace nif
