// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/channel.h"

namespace loop_bridge {

bool Channel::push(EntryPtr& entry) noexcept {
    const PushResult result = queue_.push(entry);
    if (result == PushResult::kQueuedWake) wake_fd_->wake();
    return result != PushResult::kClosed;
}

EntryList Channel::close() noexcept {
    EntryList left = queue_.close();
    // Wakes the consumer, armed or not: a producer that found the consumer armed may not have
    // written to the descriptor yet.
    wake_fd_->wake();
    return left;
}

}  // namespace loop_bridge
