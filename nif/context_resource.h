// SPDX-License-Identifier: Apache-2.0
// context_resource.h: a thread that runs Python for Erlang processes, one request after another.
// Threads: start(), submit(), close(), give_up(), on_down()
//                                     any thread, scheduler threads above all; nothing blocks.
//          watch(), stop()            scheduler threads
// A context is one thread for its life: libraries like numpy and torch depend on it.
#pragma once

#include <vector>

#include "loop_bridge/channel.h"
#include "nif/request.h"
#include "nif/resource.h"

namespace nif {

class ContextResource {
public:
    static constexpr const char* kResourceName = "erlang_python_context";

    ContextResource(const ErlNifPid& owner, ERL_NIF_TERM ref);
    ~ContextResource();
    ContextResource(const ContextResource&) = delete;
    ContextResource& operator=(const ContextResource&) = delete;

    // The owner, which is the calling process, gets {py_result, Ref, ready} when the thread runs;
    // when it dies, the context is closed. Throws std::system_error.
    static void start(ErlNifEnv* env, const ResourcePtr<ContextResource>& self, PyObject* module);
    // False when the context is closed; the request stays with the caller.
    bool submit(loop_bridge::EntryPtr& request) noexcept;
    // The thread ends after the requests that came before this.
    void close() noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;
    // The same; and what runs, which nobody waits for any longer, is interrupted once more, and
    // reported: see erlang._context.report_stuck().
    void give_up() noexcept;
    // The thread ends as soon as it can: what runs is interrupted. Whoever waits for that, or for
    // what is queued, hears `{error, disconnected}` before this returns.
    void stop(ErlNifEnv* env) noexcept;
    // This process gets {py_result, Ref, ended} when the thread has ended, or has done so already.
    // Several processes may watch one context.
    void watch(ErlNifEnv* env, const ErlNifPid& watcher) noexcept;

private:
    struct Shut {
        loop_bridge::EntryList arrived;
        loop_bridge::EntryList queued;
        ResourcePtr<RequestHandle> current;
    };

    // Takes in nothing more.
    Shut shut() noexcept;
    void run(PyObject* module);
    void run_arrived(loop_bridge::Gil gil, PyObject* module);
    loop_bridge::EntryPtr next() noexcept;
    void ended() noexcept;
    void tell(ErlNifEnv* env, const ErlNifPid& to, const char* what) noexcept;

    loop_bridge::Channel channel_;
    ErlNifPid owner_;
    OwnedTerm ref_;
    unsigned start_;  // of the application, in which this was made

    ErlNifMutex* mutex_;  // guards all below
    loop_bridge::EntryList arrived_;
    ResourcePtr<RequestHandle> current_;
    std::vector<ErlNifPid> watchers_;
    bool closing_ = false;  // the end is queued: what came after it would not be run
    bool ended_ = false;
};

}  // namespace nif
