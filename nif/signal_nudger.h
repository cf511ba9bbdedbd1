// SPDX-License-Identifier: Apache-2.0
// signal_nudger.h: sees to it that Python's main thread notices a signal soon, also when the signal
// came after that thread's last look for signals and before the system call in which it then waits.
// CPython itself notices such a signal only when that call returns: a long sleep is slept out. The
// gap is wide where other threads are busy, since a thread that gives up the GIL waits there until
// another one has taken it.
//
// While a handler has not been called for a signal that has arrived, the main thread is interrupted
// now and then by another signal, which does nothing else.
// Threads: arrived(), ignore() signal handlers; the rest Python's main thread. No GIL.
#pragma once

#include <csignal>

namespace nif {

class SignalNudger {
public:
    // Ignored by default, and nobody's but that of a few programs with sockets. A program that has
    // its own handler for it goes without nudges.
    static constexpr int kSignal = SIGURG;
    // What its handler is to be.
    static void ignore(int number) noexcept;

    // Once. Nudges the calling thread from now on. Throws std::system_error.
    static void start();
    // Python has been told of a signal (1 to 31), and will call its handler.
    static void arrived(int number) noexcept;
    // It does so now, or never will.
    static void noticed(int number) noexcept;
};

}  // namespace nif
