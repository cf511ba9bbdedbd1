// SPDX-License-Identifier: Apache-2.0
// request.h: Python code that an Erlang process has asked for, and its one answer.
// Threads: watch(), abandon(), on_down()   any thread, scheduler threads above all
//          disconnect()                    scheduler threads
//          answer(), begin(), end()        the Python thread that runs the request, with the GIL
//          interrupt(), thread()           the janitor, with the GIL
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "loop_bridge/python/arrival.h"
#include "loop_bridge/python/py_handle.h"
#include "nif/beam/atoms.h"
#include "nif/beam/reply_to.h"
#include "nif/beam/resource.h"
#include "nif/node/bridge.h"

namespace nif {

class RequestHandle;

// The thread that runs a request's code.
class Runner {
public:
    virtual ~Runner() = default;
    // The thread's ident in Python.
    virtual unsigned long thread() const noexcept = 0;
    // The request has been interrupted `times' times.
    virtual void interrupt(loop_bridge::Gil gil, const RequestHandle& request, int times,
                           bool insisting) noexcept = 0;
};

// Shared by the Erlang process that waits and the Python thread that works. It ends in one of three
// ways, whichever comes first:
//   answered       exactly one message with the result goes out
//   abandoned      no message goes out
//   disconnected   one message with an error goes out, before the code has ended
class RequestHandle {
public:
    static constexpr const char* kResourceName = "erlang_python_request";
    static constexpr const char* kErlangType = "py_nif:request_handle()";

    RequestHandle(const ErlNifPid& caller, ERL_NIF_TERM ref);
    ~RequestHandle() = default;
    RequestHandle(const RequestHandle&) = delete;
    RequestHandle& operator=(const RequestHandle&) = delete;

    // The end of the calling process will abandon the request. False if the process is dead
    // already.
    static bool watch(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self);
    // False if the request was answered already. Then the message is in the mailbox or about to be.
    static bool abandon(const ResourcePtr<RequestHandle>& self) noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;
    // If the request has not ended, its caller gets `{error, disconnected}' and its code is
    // interrupted.
    static void disconnect(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self) noexcept;

    // Whether the caller gets no further message.
    bool settled() const noexcept { return state_.load() != State::kPending; }
    // Abandoned or disconnected: nobody waits for the code, so it is interrupted.
    bool unwanted() const noexcept;

    // Sends {py_result, Ref, Result}, unless unwanted. `result` lives in `env`.
    void answer(TermEnv env, ERL_NIF_TERM result) noexcept;
    // {error, Reason} with an atom of atoms.h.
    void answer_error(ERL_NIF_TERM reason) noexcept;

    // From begin() to end(), interrupt() raises erlang.Interrupted on this thread ...
    void begin(loop_bridge::Gil gil, std::shared_ptr<Runner> runner) noexcept;
    // ... or calls `cancel`: for coroutines, and for running code that ends itself better.
    void begin(loop_bridge::Gil gil, loop_bridge::PyRef cancel) noexcept;
    void end(loop_bridge::Gil gil) noexcept;
    // The thread that runs the request now.
    std::optional<unsigned long> thread(loop_bridge::Gil gil) const noexcept;
    // Each call interrupts once more: code may swallow an interruption.
    void interrupt(loop_bridge::Gil gil, bool insisting) noexcept;

private:
    enum class State { kPending, kAnswered, kAbandoned, kDisconnected };

    std::atomic<State> state_{State::kPending};
    ReplyTo caller_;
    ErlNifMonitor monitor_{};
    // Under the GIL:
    std::shared_ptr<Runner> runner_;
    loop_bridge::PyHandle cancel_;
    int interruptions_ = 0;
};

// The request on its way to the thread or loop that is to run it.
class Request final : public loop_bridge::Arrival {
public:
    Request(ResourcePtr<RequestHandle> handle, ERL_NIF_TERM body)
        : Arrival(loop_bridge::ArrivalKind::kRequest), handle_(std::move(handle)), body_(body) {}
    // Nobody will run the request: its caller gets `{error, disconnected}'. Only on threads that
    // are no schedulers, where a message needs no environment of a NIF.
    ~Request() override {
        if (handle_) handle_->answer_error(atoms.disconnected);
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // The taker of the handle is responsible for the answer.
    ResourcePtr<RequestHandle> take_handle() noexcept { return std::move(handle_); }
    ResourcePtr<RequestHandle> handle() const noexcept { return handle_; }
    const OwnedTerm& body() const noexcept { return body_; }

private:
    ResourcePtr<RequestHandle> handle_;
    OwnedTerm body_;
};

}  // namespace nif
