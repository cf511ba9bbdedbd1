// SPDX-License-Identifier: Apache-2.0
// channel_pool.h: channels that wait for their next owner. Each has a living handler and no calls.
// Threads: any thread, whatever locks it holds; nothing blocks for long.
#pragma once

#include <vector>

#include "nif/calls/channel_resource.h"

namespace nif {

class ChannelPool {
public:
    static ChannelPool& instance();

    // A channel that is ready for calls, or null.
    ResourcePtr<ChannelResource> take();
    // Takes the channel back from an owner that has no call in flight on it. Closes the channel if
    // it is unusable or if enough channels are kept. Not on a scheduler thread.
    void put(ResourcePtr<ChannelResource> channel);
    std::size_t size() noexcept;

private:
    static constexpr std::size_t kKept = 64;

    ChannelPool();
    ErlNifMutex* mutex_;  // guards channels_
    std::vector<ResourcePtr<ChannelResource>> channels_;
};

}  // namespace nif
