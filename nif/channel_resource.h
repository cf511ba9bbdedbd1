// SPDX-License-Identifier: Apache-2.0
// channel_resource.h: a channel as the BEAM sees it, and the Erlang process that handles its calls.
// Threads: open(), send(), close()          the consumer (a Python thread), GIL or not
//          attach(), refuse(), on_down(), push()  any thread; scheduler threads above all
// One native monitor at a time watches the process on which the channel depends: the coordinator
// until a handler has attached itself, that handler from then on. Its end arrives as kGone, so a
// call in flight never waits for somebody dead.
#pragma once

#include <optional>

#include "loop_bridge/call_slots.h"
#include "loop_bridge/channel.h"
#include "nif/node.h"
#include "nif/resource.h"

namespace nif {

class ChannelResource {
public:
    static constexpr const char* kResourceName = "erlang_python_channel";

    ChannelResource();  // throws std::system_error
    ~ChannelResource();
    ChannelResource(const ChannelResource&) = delete;
    ChannelResource& operator=(const ChannelResource&) = delete;

    // Asks the coordinator for a handler; false when there is no coordinator alive.
    static bool open(const ResourcePtr<ChannelResource>& self);
    // The calling process becomes the handler. False when the channel is closed already.
    static bool attach(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self,
                       const ErlNifPid& handler);
    // There is no handler to be had for it: what waits for one learns that it is gone.
    static void refuse(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self) noexcept;
    void on_down(ErlNifEnv* env, const ErlNifMonitor& monitor) noexcept;

    // To the handler. A handler that died meanwhile is no error here: kGone is on its way.
    void send(TermEnv env, ERL_NIF_TERM message) noexcept;
    // Ends the channel for good; its handler stops all work and exits.
    void close() noexcept;

    bool attached() noexcept;
    bool gone() noexcept;
    std::optional<ErlNifPid> handler() noexcept;
    loop_bridge::Channel& channel() noexcept { return channel_; }
    // Consumer only. Ids of one channel never repeat, whoever uses it.
    loop_bridge::CallId next_id() noexcept { return ++last_id_; }

private:
    enum class Phase { kNew, kOpening, kAttached, kGone };

    loop_bridge::Channel channel_;
    loop_bridge::CallId last_id_ = 0;
    ErlNifMutex* mutex_;  // guards all below
    Phase phase_ = Phase::kNew;
    ErlNifPid handler_{};
    ErlNifMonitor monitor_{};
};

}  // namespace nif
