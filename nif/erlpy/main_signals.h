// SPDX-License-Identifier: Apache-2.0
// main_signals.h: process signals in a node whose main program is Python (erlpy).
// Threads: Python's main thread, unless a function says otherwise.
//
// Python needs a signal on its main thread, where it interrupts that thread's wait. The kernel
// prefers the process's first thread, which belongs to the BEAM, and may choose any thread. So a
// handler of ours stands before each handler that Python installs. It forwards a signal from
// another thread to Python's main thread. Signals that Python leaves at their default keep the
// BEAM's handlers. signal_nudger.h makes the main thread notice a signal that it has missed.
#pragma once

#include "loop_bridge/channel.h"
#include "loop_bridge/python/gil.h"

namespace nif {

class MainSignals {
public:
    // In every node, before Python starts. The BEAM's handlers write to a pipe that a fork shares.
    // A fork that got SIGTERM would end the node instead of itself. So a fork resets these
    // handlers.
    static void watch_forks() noexcept;
    // Before Python starts: sets the BEAM's handlers aside and unblocks all signals. So Python
    // finds the signals as in a process of its own.
    static void begin() noexcept;
    // When Python runs: restores the BEAM's handlers for signals without a Python handler. From now
    // on signal.signal() keeps this order. Throws PyError, std::system_error.
    static void adopt(loop_bridge::Gil gil);
    // When the program has ended: Ctrl-C ends the process at once.
    static void end() noexcept;
    // The signal that is ending the node; 0 if none. Any thread.
    static int ending() noexcept;
};

// A scope in which exceptions are shown, and in which an exception of a signal handler is lost. If
// Ctrl-C raised one, Python calls the handler again after the scope. GIL held.
class InterruptKept {
public:
    InterruptKept() noexcept;
    ~InterruptKept();
    InterruptKept(const InterruptKept&) = delete;
    InterruptKept& operator=(const InterruptKept&) = delete;
};

// A scope in which a thread may wait on a channel. A signal on Python's main thread wakes the
// thread, even if the signal comes just before the thread sleeps. Does nothing on other threads. No
// GIL.
class WokenBySignals {
public:
    explicit WokenBySignals(loop_bridge::Channel& channel) noexcept;
    ~WokenBySignals();
    WokenBySignals(const WokenBySignals&) = delete;
    WokenBySignals& operator=(const WokenBySignals&) = delete;
};

// Ends this process like a signal without a handler. Any thread.
void end_by_signal(int number) noexcept;

}  // namespace nif
