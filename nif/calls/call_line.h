// SPDX-License-Identifier: Apache-2.0
// call_line.h: a channel to a handler process, and the calls of one thread that wait on it.
// Threads: the thread that the line belongs to, with the GIL. The destructor may run without the
//          GIL, at the thread's end.
// Owns:    the waiting calls. The C++ code of a call only borrows its entry. A greenlet that never
//          ends leaves its C stack behind, and no destructor on that stack ever runs.
#pragma once

#include <memory>
#include <vector>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/call_meter.h"
#include "loop_bridge/python/py_handle.h"
#include "nif/calls/channel_resource.h"
#include "nif/calls/reply.h"

namespace nif {

// Identifies the C stack on which code runs: the current greenlet, or null without greenlets. Valid
// while a call waits on that stack.
using Stack = const void*;

struct WaitingCall {
    loop_bridge::CallId id;
    Stack stack;
    loop_bridge::CallMeter::Ticket ticket;
    std::unique_ptr<loop_bridge::Completion> completion;
};

class CallLine {
public:
    explicit CallLine(ResourcePtr<ChannelResource> channel);
    // An idle line gives its channel back for others to use.
    ~CallLine();
    CallLine(const CallLine&) = delete;
    CallLine& operator=(const CallLine&) = delete;

    WaitingCall& begin(Stack stack, loop_bridge::CallMeter::Ticket ticket);
    std::unique_ptr<WaitingCall> end(const WaitingCall& call) noexcept;
    // Hands completions to their calls, keeps requests, notices the handler's end.
    void sort_in(loop_bridge::EntryList arrived) noexcept;
    // The handler is gone, or the line must not be used any more.
    void close() noexcept;
    bool closed() const noexcept { return closed_; }

    bool idle() const noexcept { return calls_.empty(); }
    // Whether all calls of the line wait on `stack`. Calls on different stacks may end in any
    // order. The calls of one handler process end in the reverse order of their start.
    bool is_of(Stack stack) const noexcept;

    ChannelResource& channel() const noexcept { return *channel_; }
    loop_bridge::BlockingWaiter& waiter() noexcept { return waiter_; }
    loop_bridge::EntryList& requests() noexcept { return requests_; }

    // The exception for which an inner call gave the line up. The outer calls fail with the same
    // exception, unless it interrupted only the request of the inner call.
    loop_bridge::PyHandle broken_by;

private:
    ResourcePtr<ChannelResource> channel_;
    loop_bridge::BlockingWaiter waiter_;
    std::vector<std::unique_ptr<WaitingCall>> calls_;
    loop_bridge::EntryList requests_;
    bool closed_ = false;
};

}  // namespace nif
