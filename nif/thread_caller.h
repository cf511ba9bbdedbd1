// SPDX-License-Identifier: Apache-2.0
// thread_caller.h: erlang.call on one Python thread: blocks it, without the GIL, until the call
// has ended, and serves what Erlang asks of the waiting thread meanwhile.
// Threads: the thread it belongs to, with the GIL; interrupt() any thread with the GIL while the
//          request runs here. Its destructor runs at the thread's end, without GIL or thread state.
//
// Calls nest like frames of one stack: a call waits, its Erlang function calls Python on the
// waiting thread, which calls Erlang again. The thread's handler process nests in the same way.
// A nested call with a timeout gets a handler of its own: stopping it must not take the callers
// further out with it.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/python/py_handle.h"
#include "nif/call_arguments.h"
#include "nif/channel_resource.h"
#include "nif/request.h"

namespace nif {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

class ThreadCaller {
public:
    static ThreadCaller& current() noexcept;
    ThreadCaller() = default;
    ~ThreadCaller();
    ThreadCaller(const ThreadCaller&) = delete;
    ThreadCaller& operator=(const ThreadCaller&) = delete;

    loop_bridge::PyRef call(loop_bridge::Gil gil, PyObject* module, const CallArguments& call,
                            Deadline deadline);

    // This thread is a context's: it calls Erlang as long as the application is not started anew.
    void belong_to(unsigned start) noexcept { start_ = start; }

    // Its number as Python knows it.
    unsigned long thread() const noexcept { return thread_; }

    // Runs `request` here and now: for a context's thread, and for a thread that waits in call().
    void run(loop_bridge::Gil gil, PyObject* module, Request& request) noexcept;

    // `cancel` is called, in place of an exception, when nobody waits any longer for the innermost
    // request that runs here. False when there is none.
    bool on_interrupt(loop_bridge::Gil gil, PyObject* cancel) noexcept;

    // Raises `type` in the code of a request that runs here, and in all that run further in, in
    // waits too. In each `times` times at most, however many reasons there are: it can clean up.
    void interrupt(loop_bridge::Gil gil, const RequestHandle& request, PyObject* type,
                   int times) noexcept;
    // Takes back what has not been raised yet.
    void forget_interruption(loop_bridge::Gil gil) noexcept;

private:
    struct Running {
        RequestHandle* request = nullptr;
        int interruptions = 0;
        PyObject* owed = nullptr;  // to be raised when what runs further in has ended; borrowed
    };
    struct Frame {
        loop_bridge::CallId id;
        std::unique_ptr<loop_bridge::Completion> completion;
    };
    // A channel with the calls that wait on it, innermost last.
    struct Line {
        explicit Line(ResourcePtr<ChannelResource> resource);
        ResourcePtr<ChannelResource> channel;
        loop_bridge::BlockingWaiter waiter;
        std::vector<Frame*> frames;
        std::deque<loop_bridge::EntryPtr> requests;
        bool closed = false;
        // The exception for which a call further in gave the line up; the calls further out end
        // with the same one, unless it interrupted just that one's request. A line may die without
        // the GIL.
        loop_bridge::PyHandle broken_by;
    };
    using LinePtr = std::shared_ptr<Line>;

    LinePtr ready_line(loop_bridge::Gil gil, PyObject* module, PyObject* name, Deadline deadline);
    void await_completion(loop_bridge::Gil gil, PyObject* module, PyObject* name,
                          const LinePtr& line, Frame& frame, Deadline deadline);
    template <class Done>
    bool wait_until(loop_bridge::Gil gil, PyObject* module, Line& line, Deadline deadline,
                    Done&& done);
    void sort_in(Line& line, loop_bridge::EntryList arrived) noexcept;
    static bool interrupted(loop_bridge::Gil gil) noexcept;
    void raise_if_interrupted(loop_bridge::Gil gil) const;
    static void give_up(loop_bridge::Gil gil, PyObject* module, Line& line) noexcept;
    void retire(const LinePtr& line) noexcept;

    std::vector<LinePtr> lines_;    // the thread's first, then those of nested timed calls
    std::vector<Running> running_;  // the requests that run here, innermost last
    unsigned long thread_ = PyThread_get_thread_ident();
    loop_bridge::Channel* awaited_ = nullptr;  // what this thread waits for now
    std::optional<unsigned> start_;
};

}  // namespace nif
