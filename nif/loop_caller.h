// SPDX-License-Identifier: Apache-2.0
// loop_caller.h: erlang.async_call on one event loop. The loop watches the channel's descriptor
// and never waits for Erlang.
// Threads: with the GIL, on the loop's thread; shutdown() also on others once the loop is closed.
// Life:    owned by the Python object LoopChannel, which is an attribute of its loop and dies with
//          it; the loop is known weakly. When the loop is closed, shutdown() ends what is under
//          way.
//
// Calls are sent at once while few are under way, so that Erlang is busy early; the rest gathers
// until the next turn of the loop, since then a message for each would only cost.
#pragma once

#include <vector>

#include "loop_bridge/python/future_resolver.h"
#include "loop_bridge/python/loop_reader.h"
#include "nif/call_arguments.h"
#include "nif/channel_resource.h"
#include "nif/module_state.h"
#include "nif/request.h"

namespace nif {

class LoopCaller {
public:
    // `owner` is the LoopChannel object (borrowed). Throws PyError and std::system_error.
    LoopCaller(loop_bridge::Gil gil, PyObject* owner, PyObject* module, PyObject* loop);
    // After shutdown(), with the GIL.
    ~LoopCaller() = default;
    LoopCaller(const LoopCaller&) = delete;
    LoopCaller& operator=(const LoopCaller&) = delete;

    // A future of the loop; the call is on its way.
    loop_bridge::PyRef call(loop_bridge::Gil gil, const CallArguments& call);
    // Nobody waits for the call any longer: its Erlang process is stopped.
    void forget(loop_bridge::Gil gil, loop_bridge::CallId id);
    // The loop found the descriptor readable.
    void drain(loop_bridge::Gil gil);
    // Sends what has gathered.
    void flush() noexcept;
    // The loop is closed or collected: ends the channel and everything that works for it.
    void shutdown(loop_bridge::Gil gil) noexcept;

    PyObject* owner() const noexcept { return owner_; }
    bool loop_ended(loop_bridge::Gil gil) noexcept { return reader_.loop_ended(gil); }
    // Of a loop that runs.
    ERL_NIF_TERM channel_term(ErlNifEnv* env) const { return channel_.term(env); }
    int traverse(visitproc visit, void* arg) const { return futures_.traverse(visit, arg); }
    void clear(loop_bridge::Gil gil) { futures_.drop_all(gil); }

private:
    struct Gathered {
        loop_bridge::CallId id;
        ERL_NIF_TERM call;
    };

    void take(loop_bridge::Gil gil, loop_bridge::EntryPtr entry);
    void start(loop_bridge::Gil gil, Request& request);
    void drop_garbage() noexcept;
    void lost(loop_bridge::Gil gil) noexcept;
    void send_or_gather(loop_bridge::Gil gil);
    loop_bridge::PyRef make_future(loop_bridge::Gil gil);
    loop_bridge::PyRef refused(loop_bridge::Gil gil, PyObject* name, const char* kind,
                               const char* text);
    loop_bridge::PyRef build(loop_bridge::Gil gil, const CallArguments& call);

    ModuleState& state_;
    PyObject* owner_;
    PyObject* module_;
    loop_bridge::LoopReader reader_;
    loop_bridge::FutureResolver futures_;
    ResourcePtr<ChannelResource> channel_;  // until shutdown()
    bool opened_ = false;                   // a handler is asked for or attached
    bool attached_ = false;                 // it is attached, as far as this thread knows
    bool flush_due_ = false;                // the loop is going to call flush()
    bool ended_ = false;
    int building_ = 0;  // calls being built in gathered_env_, which must stay meanwhile
    TermEnv gathered_env_;
    std::vector<Gathered> gathered_;
    // Coroutines that Erlang processes wait for, and some that have ended since the last look.
    std::vector<ResourcePtr<RequestHandle>> requests_;
    std::size_t next_look_ = 0;
};

}  // namespace nif
