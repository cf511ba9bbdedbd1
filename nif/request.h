// SPDX-License-Identifier: Apache-2.0
// request.h: Python code that an Erlang process asked for, and its one answer.
// Threads: watch(), abandon(), on_down()   any thread, scheduler threads above all
//          disconnect()                    scheduler threads
//          answer(), begin(), end()        the Python thread that runs the request, with the GIL
//          interrupt(), thread()           the janitor, with the GIL
#pragma once

#include <atomic>
#include <optional>

#include "loop_bridge/python/arrival.h"
#include "loop_bridge/python/py_handle.h"
#include "nif/node.h"
#include "nif/resource.h"

namespace nif {

class ThreadCaller;

// Shared by the Erlang process that waits and the Python thread that works. Ends in one of three
// ways, whichever comes first: answered (exactly one message goes out), abandoned (none ever), or
// disconnected (one that says so, before the code has come to its end).
class RequestHandle {
public:
    static constexpr const char* kResourceName = "erlang_python_request";

    RequestHandle(const ErlNifPid& caller, ERL_NIF_TERM ref);
    ~RequestHandle() = default;
    RequestHandle(const RequestHandle&) = delete;
    RequestHandle& operator=(const RequestHandle&) = delete;

    // The end of the calling process abandons the request. False when it is dead already.
    static bool watch(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self);
    // False when it was answered already: then the message is in the mailbox or about to be.
    static bool abandon(const ResourcePtr<RequestHandle>& self) noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;
    // Unless it has ended: the caller hears `{error, disconnected}', the code is interrupted.
    static void disconnect(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self) noexcept;

    // Nothing is owed to the caller any longer.
    bool settled() const noexcept { return state_.load() != State::kPending; }
    // Abandoned or disconnected: nobody waits for the code, which is interrupted.
    bool unwanted() const noexcept;

    // Sends {py_result, Ref, Result}, unless unwanted. `result` lives in `env`.
    void answer(TermEnv env, ERL_NIF_TERM result) noexcept;
    // {error, Reason} with an atom.
    void answer_error(const char* reason) noexcept;

    // While begun, interrupt() raises erlang.Interrupted on this thread ...
    void begin(loop_bridge::Gil gil, ThreadCaller& runner) noexcept;
    // ... or calls `cancel`, for a coroutine, and for running code that knows better how to end.
    void begin(loop_bridge::Gil gil, loop_bridge::PyRef cancel) noexcept;
    void end(loop_bridge::Gil gil) noexcept;
    // Where it runs, while it does.
    std::optional<unsigned long> thread(loop_bridge::Gil gil) const noexcept;
    // Each time once more: code that has swallowed an interruption needs another one.
    void interrupt(loop_bridge::Gil gil, PyObject* exception_type) noexcept;

private:
    enum class State { kPending, kAnswered, kAbandoned, kDisconnected };

    std::atomic<State> state_{State::kPending};
    ErlNifPid caller_;
    OwnedTerm ref_;
    ErlNifMonitor monitor_{};
    // Under the GIL:
    ThreadCaller* runner_ = nullptr;
    loop_bridge::PyHandle cancel_;
    int interruptions_ = 0;
};

// The request on its way to the thread or loop that is to run it.
class Request final : public loop_bridge::Arrival {
public:
    Request(ResourcePtr<RequestHandle> handle, ERL_NIF_TERM body)
        : Arrival(loop_bridge::ArrivalKind::kRequest), handle_(std::move(handle)), body_(body) {}
    // Nobody is going to run it any more: the caller hears `{error, disconnected}'. On threads
    // that are not schedulers, where a message needs no environment.
    ~Request() override {
        if (handle_) handle_->answer_error("disconnected");
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // The one who takes the handle is responsible for the answer.
    ResourcePtr<RequestHandle> take_handle() noexcept { return std::move(handle_); }
    ResourcePtr<RequestHandle> handle() const noexcept { return handle_; }
    const OwnedTerm& body() const noexcept { return body_; }

private:
    ResourcePtr<RequestHandle> handle_;
    OwnedTerm body_;
};

}  // namespace nif
