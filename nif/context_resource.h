// SPDX-License-Identifier: Apache-2.0
// context_resource.h: a thread that runs Python for Erlang processes, one request after another.
// Threads: start(), submit(), close(), on_down() any thread, scheduler threads above all; nothing
//          blocks.
// A context is one thread for its life: libraries like numpy and torch depend on it.
#pragma once

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
    bool submit(loop_bridge::EntryPtr& request) noexcept { return channel_.push(request); }
    // The thread ends after the requests that came before this.
    void close() noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;

private:
    void run(PyObject* module);
    void tell_owner_ready() noexcept;

    loop_bridge::Channel channel_;
    ErlNifPid owner_;
    OwnedTerm ref_;
};

}  // namespace nif
