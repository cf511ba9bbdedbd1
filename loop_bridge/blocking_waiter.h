// SPDX-License-Identifier: Apache-2.0
// blocking_waiter.h: a thread that waits for its channel: a short spin, then poll(2).
// Threads: the channel's consumer only, WITHOUT the GIL.
// Owns:    nothing; the channel outlives it.
#pragma once

#include <chrono>
#include <optional>

#include "loop_bridge/channel.h"
#include "loop_bridge/spin_policy.h"

namespace loop_bridge {

enum class WaitOutcome {
    kEntries,   // take_all() has something
    kTimedOut,  // the deadline passed without entries
    // A signal, a Channel::wake() without entries, or a late wake-up for entries that were taken
    // before. The caller checks its other conditions and waits again.
    kInterrupted,
    kClosed,  // the channel is closed: nothing will ever come
};

class BlockingWaiter {
public:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    // max_spin: the longest spin before sleeping; zero: never spin.
    BlockingWaiter(Channel& channel, std::chrono::microseconds max_spin) noexcept
        : channel_(channel), spin_policy_(max_spin) {}

    // Without a deadline, waits for ever. A deadline in the past only polls. A sleep ends up to a
    // millisecond (plus the kernel's delay) after the deadline, never before it.
    [[nodiscard]] WaitOutcome wait(Deadline deadline) noexcept;

private:
    void spin_for_entries(const Deadline& deadline) noexcept;
    WaitOutcome sleep(const Deadline& deadline) noexcept;
    WaitOutcome arrived() const noexcept;

    Channel& channel_;
    SpinPolicy spin_policy_;
};

}  // namespace loop_bridge
