// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/loop_spin.h"

namespace loop_bridge {

bool LoopSpin::begin() noexcept {
    budget_ = policy_.next_budget();
    if (budget_ <= SpinPolicy::Duration::zero()) return false;
    begun_ = Clock::now();
    return true;
}

void LoopSpin::look(Gil gil, const LoopReader& reader, const Channel& channel) noexcept {
    if (channel.has_entries()) return;
    if (!is_idle(gil, reader)) return policy_.failed();
    const SpinSeats::Seat seat(SpinSeats::of_process());
    if (!seat) return;
    const GilRelease released{gil};
    spin_and_learn(policy_, budget_, [&] { return channel.has_entries(); });
}

// uvloop does not tell whether callbacks are ready. A turn that took long had other work to do, and
// probably has more.
bool LoopSpin::is_idle(Gil gil, const LoopReader& reader) const noexcept {
    if (const auto ready = reader.ready_callbacks(gil)) return *ready == 0;
    return Clock::now() - begun_ <= max_;
}

}  // namespace loop_bridge
