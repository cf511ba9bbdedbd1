// SPDX-License-Identifier: Apache-2.0
// loop_caller.h: erlang.async_call on one event loop. The loop watches the channel's descriptor and
// never waits for Erlang.
// Threads: with the GIL, on the loop's thread; shutdown() also on others once the loop is closed.
// Life:    owned by the Python object LoopChannel. That object is an attribute of its loop and dies
//          with the loop. The reference to the loop is weak. When the loop is closed, shutdown()
//          ends all calls and requests.
//
// While few calls are in flight, each call is sent at once, so that Erlang starts early. Otherwise
// calls are gathered until the next turn of the loop, since one message for each would cost more.
// The messages that stop calls follow the same rule.
//
// After the only call in flight the loop looks for the reply in its next turn, see loop_spin.h.
#pragma once

#include <vector>

#include "loop_bridge/python/future_resolver.h"
#include "loop_bridge/python/loop_reader.h"
#include "loop_bridge/python/loop_spin.h"
#include "nif/calls/call_arguments.h"
#include "nif/calls/channel_resource.h"
#include "nif/node/module_state.h"
#include "nif/requests/request.h"

namespace nif {

class LoopCaller {
public:
    // `owner` is the LoopChannel object (borrowed). Throws PyError and std::system_error.
    LoopCaller(loop_bridge::Gil gil, PyObject* owner, PyObject* module, PyObject* loop);
    // After shutdown(), with the GIL.
    ~LoopCaller() = default;
    LoopCaller(const LoopCaller&) = delete;
    LoopCaller& operator=(const LoopCaller&) = delete;

    // Returns a future of the loop. The call is under way.
    loop_bridge::PyRef call(loop_bridge::Gil gil, const CallArguments& call);
    // The call was cancelled: its Erlang process is stopped.
    void forget(loop_bridge::Gil gil, loop_bridge::CallId id);
    // The call's timeout of so many seconds has run out. The call fails in one of the next turns of
    // the loop; its Erlang process is stopped.
    void expire(loop_bridge::Gil gil, loop_bridge::CallId id, double seconds);
    // The loop found the descriptor readable. Handles as many arrivals as one turn allows.
    void drain(loop_bridge::Gil gil);
    // Sends the gathered calls.
    void flush();
    // Waits some microseconds for the reply to the only call in flight, if the loop would sleep.
    void look(loop_bridge::Gil gil);
    // The loop is closed or collected: closes the channel and ends all calls and requests.
    void shutdown(loop_bridge::Gil gil) noexcept;

    PyObject* owner() const noexcept { return owner_; }
    bool loop_ended(loop_bridge::Gil gil) noexcept { return reader_.loop_ended(gil); }
    // The loop's Erlang process can submit requests from now on. Only while the loop runs.
    void tell_ready(const ErlNifPid& process) const;
    int traverse(visitproc visit, void* arg) const { return futures_.traverse(visit, arg); }
    void clear(loop_bridge::Gil gil) { futures_.drop_all(gil); }

private:
    struct Gathered {
        loop_bridge::CallId id;
        ERL_NIF_TERM call;
    };

    void take_turn(loop_bridge::Gil gil);
    void drain_turn(loop_bridge::Gil gil);
    bool take_next(loop_bridge::Gil gil);
    void take(loop_bridge::Gil gil, loop_bridge::EntryPtr entry);
    void start(loop_bridge::Gil gil, Request& request);
    void drop_garbage();
    void lost(loop_bridge::Gil gil);
    void send_or_gather(loop_bridge::Gil gil);
    void stop(loop_bridge::Gil gil, loop_bridge::CallId id);
    void flush_soon(loop_bridge::Gil gil);
    void look_soon(loop_bridge::Gil gil);
    void send_calls();
    void send_stops();
    loop_bridge::PyRef make_future(loop_bridge::Gil gil);
    loop_bridge::PyRef failed_future(loop_bridge::Gil gil, const loop_bridge::PyRef& error);
    loop_bridge::PyRef build(loop_bridge::Gil gil, const CallArguments& call);

    ModuleState& state_;
    PyObject* owner_;
    PyObject* module_;
    loop_bridge::LoopReader reader_;
    loop_bridge::FutureResolver futures_;
    ResourcePtr<ChannelResource> channel_;  // until shutdown()
    loop_bridge::EntryList arrived_;        // taken from the channel, for this and later turns
    bool opened_ = false;                   // a handler is requested or attached
    bool attached_ = false;                 // a handler is attached, as far as this thread knows
    bool flush_due_ = false;                // call_soon(_flush) is pending
    bool look_due_ = false;                 // call_soon(_look) is pending; the channel is not armed
    bool ended_ = false;
    int building_ = 0;  // calls under construction in gathered_env_, which must stay
    TermEnv gathered_env_;
    std::vector<Gathered> gathered_;
    std::vector<loop_bridge::CallId> stopped_;  // the Erlang side does not know yet
    // Coroutines that Erlang processes wait for, and some that have ended since the last clean-up.
    std::vector<ResourcePtr<RequestHandle>> requests_;
    std::size_t next_look_ = 0;
    loop_bridge::LoopSpin spin_;
};

}  // namespace nif
