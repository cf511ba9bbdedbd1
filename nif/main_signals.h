// SPDX-License-Identifier: Apache-2.0
// main_signals.h: process signals in a node whose main program is Python (erlpy).
//
// Python wants a signal to arrive on its main thread, where it interrupts what that thread waits
// for. The kernel prefers the process's first thread, which is the BEAM's, and may choose any. So
// the handlers that Python installs stand behind one of ours, which sends a signal that arrived
// elsewhere on to Python's main thread. What Python leaves at its default stays the BEAM's. A
// signal that the main thread has missed is brought to its notice: signal_nudger.h. Threads:
// Python's main thread, where nothing else is said.
#pragma once

#include "loop_bridge/channel.h"
#include "loop_bridge/python/gil.h"

namespace nif {

class MainSignals {
public:
    // In every node, before Python starts. What the BEAM's handlers do reaches the BEAM through a
    // pipe, which a fork shares: one that got SIGTERM would end the node instead of itself. So a
    // fork has none of them.
    static void watch_forks() noexcept;
    // Before Python starts: sets the BEAM's handlers aside, so that Python finds the signals as in
    // a process of its own, and lets all signals in.
    static void begin() noexcept;
    // When Python runs: the BEAM's handlers come back where Python has none, and signal.signal()
    // keeps to this order from now on. Throws PyError, std::system_error.
    static void adopt(loop_bridge::Gil gil);
    // When the program has ended: Ctrl-C no longer waits for anything.
    static void end() noexcept;
    // The signal that is ending the node, 0 if none. Any thread.
    static int ending() noexcept;
};

// For a scope in which a thread may wait on a channel: a signal that arrives on Python's main
// thread wakes it even in the instant before it sleeps. Nothing on other threads. No GIL.
class WokenBySignals {
public:
    explicit WokenBySignals(loop_bridge::Channel& channel) noexcept;
    ~WokenBySignals();
    WokenBySignals(const WokenBySignals&) = delete;
    WokenBySignals& operator=(const WokenBySignals&) = delete;
};

// Ends this process as a signal does whose handler nobody has installed. Any thread.
void end_by_signal(int number) noexcept;

}  // namespace nif
