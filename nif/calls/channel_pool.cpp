// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/channel_pool.h"

#include "nif/beam/lock.h"

namespace nif {

ChannelPool& ChannelPool::instance() {
    static ChannelPool& pool = *new ChannelPool;
    return pool;
}

ChannelPool::ChannelPool()
    : mutex_(enif_mutex_create(const_cast<char*>("erlang_python_channel_pool"))) {
    channels_.reserve(kKept);
}

ResourcePtr<ChannelResource> ChannelPool::take() {
    for (;;) {
        ResourcePtr<ChannelResource> channel;
        {
            const Lock lock{mutex_};
            if (channels_.empty()) return channel;
            channel = std::move(channels_.back());
            channels_.pop_back();
        }
        if (channel->attached()) return channel;
        channel->close();  // its handler died in the pool
    }
}

void ChannelPool::put(ResourcePtr<ChannelResource> channel) {
    // Late completions for the former owner. Nobody waits for them.
    channel->channel().take_all();
    if (channel->attached()) {
        const Lock lock{mutex_};
        if (channels_.size() < kKept) {
            channels_.push_back(std::move(channel));
            return;
        }
    }
    channel->close();
}

std::size_t ChannelPool::size() noexcept {
    const Lock lock{mutex_};
    return channels_.size();
}

}  // namespace nif
