// SPDX-License-Identifier: Apache-2.0
// channel_resource.h: a channel as a BEAM resource, and the Erlang process that handles its calls.
// Threads: open(), send(), close()          the consumer (a Python thread), GIL or not
//          attach(), refuse(), on_down(), push()  any thread; scheduler threads above all
//
// One native monitor at a time watches the process on which the channel depends. Until a handler
// has attached itself, that process is the coordinator, then the handler. The end of the process
// arrives as kGone, so no call in flight waits for a dead process.
#pragma once

#include <optional>

#include "loop_bridge/call_slots.h"
#include "loop_bridge/channel.h"
#include "nif/beam/messages.h"
#include "nif/beam/resource.h"
#include "nif/node/bridge.h"

namespace nif {

class ChannelResource {
public:
    static constexpr const char* kResourceName = "erlang_python_channel";
    static constexpr const char* kErlangType = "py_nif:channel()";

    ChannelResource();  // throws std::system_error
    ~ChannelResource();
    ChannelResource(const ChannelResource&) = delete;
    ChannelResource& operator=(const ChannelResource&) = delete;

    // Asks the coordinator for a handler. False if there is no living coordinator.
    static bool open(const ResourcePtr<ChannelResource>& self, ChannelKind kind);
    // The calling process becomes the handler. False if the channel is closed already.
    static bool attach(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self,
                       const ErlNifPid& handler);
    // The channel gets no handler. A thread or loop that waits for a handler gets kGone.
    static void refuse(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self) noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;

    // Sends to the handler. If the handler is dead, this is no error: kGone is on its way.
    void send(TermEnv env, ERL_NIF_TERM message) noexcept;
    // Ends the channel for good. Its handler stops all work and exits.
    void close() noexcept;

    bool attached() noexcept;
    bool gone() noexcept;
    std::optional<ErlNifPid> handler() noexcept;
    loop_bridge::Channel& channel() noexcept { return channel_; }
    // Consumer only. Ids of one channel never repeat, also when the channel changes its owner.
    loop_bridge::CallId next_id() noexcept { return ++last_id_; }

private:
    enum class Phase { kNew, kOpening, kAttached, kGone };

    loop_bridge::Channel channel_;
    loop_bridge::CallId last_id_ = 0;
    ErlNifMutex* mutex_;  // guards all below
    Phase phase_ = Phase::kNew;
    ErlNifPid handler_{};
    ErlNifMonitor monitor_{};
    // Made by open() for the end of the process that is watched: on_down() needs no memory.
    loop_bridge::EntryPtr gone_;
};

}  // namespace nif
