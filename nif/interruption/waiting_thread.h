// SPDX-License-Identifier: Apache-2.0
// waiting_thread.h: a scope in which a thread may wait on a channel. An interruption of the thread
// wakes the channel.
// Threads: with the GIL. The thread gives up the GIL inside the scope.
#pragma once

#include "loop_bridge/channel.h"
#include "nif/interruption/python_thread.h"

namespace nif {

class WaitingThread {
public:
    WaitingThread(loop_bridge::Gil gil, loop_bridge::Channel& channel) noexcept;
    ~WaitingThread();
    WaitingThread(const WaitingThread&) = delete;
    WaitingThread& operator=(const WaitingThread&) = delete;

    // False if the thread does not wait.
    static bool wake(loop_bridge::Gil gil, ThreadNumber thread) noexcept;

private:
    ThreadNumber thread_;
    loop_bridge::Channel& channel_;
    WaitingThread* next_;
    WaitingThread** link_;  // points to this object
};

}  // namespace nif
