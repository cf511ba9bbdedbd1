// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/blocking_waiter.h"

#include <poll.h>

#include <algorithm>
#include <climits>
#include <cstdint>

namespace loop_bridge {

namespace {

using Clock = std::chrono::steady_clock;

// Compare first: the difference to a deadline in the far past would overflow.
Clock::duration time_until(Clock::time_point deadline) noexcept {
    const auto now = Clock::now();
    return deadline > now ? deadline - now : Clock::duration::zero();
}

// For poll(2). Rounded up: poll() must not return just before the deadline.
int milliseconds_until(const BlockingWaiter::Deadline& deadline) noexcept {
    if (!deadline.has_value()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_until(*deadline));
    return static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX));
}

}  // namespace

WaitOutcome BlockingWaiter::wait(Deadline deadline) noexcept {
    if (!channel_.has_entries()) spin_for_entries(deadline);
    // After a wait without entries the queue is armed already. Arming again does no harm.
    return channel_.arm() ? sleep(deadline) : arrived();
}

void BlockingWaiter::spin_for_entries(const Deadline& deadline) noexcept {
    auto budget = spin_policy_.next_budget();
    if (deadline.has_value()) {
        budget = std::min<SpinPolicy::Duration>(budget, time_until(*deadline));
    }
    if (budget <= SpinPolicy::Duration::zero()) return;
    const SpinSeats::Seat seat(SpinSeats::of_process());
    if (!seat) return;
    spin_and_learn(spin_policy_, budget, [this] { return channel_.has_entries(); });
}

// The queue is armed: from here on a push makes the descriptor readable.
WaitOutcome BlockingWaiter::sleep(const Deadline& deadline) noexcept {
    for (;;) {
        pollfd watched{channel_.fd(), POLLIN, 0};
        const int ready = ::poll(&watched, 1, milliseconds_until(deadline));
        if (ready > 0) channel_.clear_wake();
        if (channel_.has_entries()) return arrived();
        if (ready != 0) {
            // A wake-up without entries, EINTR, or the kernel was out of memory.
            return WaitOutcome::kInterrupted;
        }
        if (Clock::now() >= *deadline) return WaitOutcome::kTimedOut;
    }
}

WaitOutcome BlockingWaiter::arrived() const noexcept {
    return channel_.closed() ? WaitOutcome::kClosed : WaitOutcome::kEntries;
}

}  // namespace loop_bridge
