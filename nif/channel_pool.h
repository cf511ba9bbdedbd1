// SPDX-License-Identifier: Apache-2.0
// channel_pool.h: channels with a living handler and nothing under way, between two owners.
// Threads: any thread without limits on what it holds; nothing blocks for long.
#pragma once

#include <vector>

#include "nif/channel_resource.h"

namespace nif {

class ChannelPool {
public:
    static ChannelPool& instance() noexcept;

    // A channel that is ready for calls, or null.
    ResourcePtr<ChannelResource> take();
    // Takes the channel back from an owner who has no call in flight on it; closes it when it is
    // no longer usable or when enough are kept. Not on a scheduler thread.
    void put(ResourcePtr<ChannelResource> channel);
    std::size_t size() noexcept;

private:
    static constexpr std::size_t kKept = 64;

    ChannelPool();
    ErlNifMutex* mutex_;  // guards channels_
    std::vector<ResourcePtr<ChannelResource>> channels_;
};

}  // namespace nif
