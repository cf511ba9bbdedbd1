// SPDX-License-Identifier: Apache-2.0
// channel.h: a completion queue and the descriptor that wakes its one consumer.
// Threads: push(), wake(), close(), closed(), has_entries()   any thread, never blocks
//          arm(), take_all(), clear_wake(), fd()              consumer only
// Owns:    the descriptor, and every entry that is inside.
// Life:    whoever may call push(), wake() or close() keeps the channel alive until that returns.
//
// The consumer's round, whatever it waits with:
//     clear_wake(), take_all(), work; then arm(): true: wait for fd(); false: take_all() again.
// Clear before taking: the other way round could clear the wake-up of an entry not yet taken.
//
// Only an armed consumer costs the producer a system call. A wake-up without entries is possible
// (by wake(), by close(), or one whose entry was taken before the descriptor was written) and means
// "look again".
#pragma once

#include <memory>
#include <utility>

#include "loop_bridge/completion_queue.h"
#include "loop_bridge/wake_fd.h"

namespace loop_bridge {

class Channel {
public:
    // Throws std::system_error.
    explicit Channel(WakeKind kind) : Channel(make_wake_fd(kind)) {}
    explicit Channel(std::unique_ptr<WakeFd> wake_fd) noexcept : wake_fd_(std::move(wake_fd)) {}

    // False: closed, and the entry is still the caller's.
    [[nodiscard]] bool push(EntryPtr& entry) noexcept;

    // A hint: take_all() or closed() has news.
    bool has_entries() const noexcept { return queue_.has_entries(); }

    // True: empty, and the next push() makes fd() readable. False: entries wait, or closed.
    [[nodiscard]] bool arm() noexcept { return queue_.arm(); }
    // In arrival order; disarms.
    EntryList take_all() noexcept { return queue_.take_all(); }

    // Makes fd() readable without an entry, armed or not.
    void wake() noexcept { wake_fd_->wake(); }
    void clear_wake() noexcept { wake_fd_->clear(); }
    int fd() const noexcept { return wake_fd_->fd(); }

    // Refuses later pushes, wakes the consumer, and returns what it had not taken. More than once
    // does no harm.
    EntryList close() noexcept;
    bool closed() const noexcept { return queue_.closed(); }

private:
    std::unique_ptr<WakeFd> wake_fd_;
    CompletionQueue queue_;
};

}  // namespace loop_bridge
