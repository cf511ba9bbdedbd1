// SPDX-License-Identifier: Apache-2.0
// thread_caller.h: erlang.call on one Python thread. The thread waits without the GIL until the
// call has ended, and meanwhile runs the requests that Erlang sends to it.
// Threads: the owning thread, with the GIL. The destructor runs at the thread's end, without the
//          GIL or a thread state. It ends the calls that still wait: those of suspended greenlets.
//
// Calls nest like frames of a stack: a call waits, its Erlang function calls Python on the waiting
// thread, and Python calls Erlang again. The thread's handler process nests in the same way. Two
// kinds of nested calls get a line and a handler of their own. The first kind is a call with a
// timeout: stopping its handler must not end the outer calls. The second kind is a call of another
// greenlet than the waiting calls: it may end after them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "nif/calls/call_arguments.h"
#include "nif/calls/call_line.h"
#include "nif/requests/request_thread.h"

namespace nif {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

class ThreadCaller {
public:
    static ThreadCaller& current();
    ThreadCaller() = default;
    ~ThreadCaller() = default;
    ThreadCaller(const ThreadCaller&) = delete;
    ThreadCaller& operator=(const ThreadCaller&) = delete;

    loop_bridge::PyRef call(loop_bridge::Gil gil, PyObject* module, const CallArguments& call,
                            Deadline deadline);

private:
    CallLine& ready_line(loop_bridge::Gil gil, PyObject* module, const CallArguments& call,
                         Stack stack, Deadline deadline);
    CallLine* usable_line(Stack stack, Deadline deadline) noexcept;
    CallLine& open_line(loop_bridge::Gil gil, PyObject* module, const CallArguments& call,
                        Deadline deadline);
    void await_completion(loop_bridge::Gil gil, PyObject* module, const CallArguments& call,
                          CallLine& line, const WaitingCall& waiting, Deadline deadline);
    template <class Done>
    bool wait_until(loop_bridge::Gil gil, PyObject* module, CallLine& line, Deadline deadline,
                    Done&& done);
    static void give_up(loop_bridge::Gil gil, PyObject* module, CallLine& line) noexcept;
    void retire(const CallLine& line) noexcept;

    // Made before this object, so it ends after it.
    RequestThread& requests_ = RequestThread::current();
    std::vector<std::unique_ptr<CallLine>> lines_;  // at most one of them is idle
};

}  // namespace nif
