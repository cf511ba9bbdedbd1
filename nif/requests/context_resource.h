// SPDX-License-Identifier: Apache-2.0
// context_resource.h: a thread that runs Python for Erlang processes, one request after another.
// Threads: start(), submit(), close(), give_up(), on_down()
//                                     any thread, scheduler threads above all; nothing blocks
//          watch(), stop()            scheduler threads
// A context is one thread for its whole life: libraries like numpy and torch depend on that.
#pragma once

#include <vector>

#include "loop_bridge/channel.h"
#include "nif/beam/reply_to.h"
#include "nif/beam/resource.h"
#include "nif/requests/request.h"

namespace nif {

class ContextResource {
public:
    static constexpr const char* kResourceName = "erlang_python_context";
    static constexpr const char* kErlangType = "py_nif:context()";

    // `module` is `_erlang`.
    ContextResource(const ErlNifPid& owner, ERL_NIF_TERM ref, PyObject* module);
    ~ContextResource();
    ContextResource(const ContextResource&) = delete;
    ContextResource& operator=(const ContextResource&) = delete;

    // The calling process is the owner. The owner gets {py_result, Ref, ready} when the thread
    // runs. The context is closed when the owner dies. Throws std::system_error.
    static void start(ErlNifEnv* env, const ResourcePtr<ContextResource>& self);
    // False if the context is closed. Then the caller keeps the request.
    bool submit(loop_bridge::EntryPtr& request) noexcept;
    // The thread ends after the requests that came before this call.
    void close() noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;
    // Like close(). Also interrupts the abandoned request once more, and sends its stack to the
    // watchers: {py_result, Ref, {stuck, Stack}}. After stop() there is no report: the caller of
    // stop() reports.
    void give_up() noexcept;
    // The thread ends as soon as possible: the running request is interrupted. The callers of the
    // running request and of queued ones get `{error, disconnected}` before this returns.
    void stop(ErlNifEnv* env) noexcept;
    // `watcher` gets {py_result, Ref, ended} when the thread has ended, or at once if it has ended
    // already. Several processes may watch one context.
    void watch(ErlNifEnv* env, const ErlNifPid& watcher);

private:
    struct Shut {
        loop_bridge::EntryList arrived;
        loop_bridge::EntryList queued;
        ResourcePtr<RequestHandle> current;
    };

    // Refuses all later requests.
    Shut shut() noexcept;
    void run();
    void run_arrived(loop_bridge::Gil gil);
    loop_bridge::EntryPtr next() noexcept;
    void ended() noexcept;
    void report_stuck(loop_bridge::Gil gil, const RequestHandle& request);

    loop_bridge::Channel channel_;
    PyObject* module_;
    ReplyTo owner_;
    unsigned epoch_;  // of the application, when the context was made
    // The entry of close(), which needs no memory: a monitor calls it.
    loop_bridge::EntryPtr end_;

    ErlNifMutex* mutex_;  // guards all below
    loop_bridge::EntryList arrived_;
    ResourcePtr<RequestHandle> current_;
    std::vector<ReplyTo> watchers_;
    bool closing_ = false;  // the end is queued: later requests would never run
    bool stopped_ = false;
    bool ended_ = false;
};

}  // namespace nif
