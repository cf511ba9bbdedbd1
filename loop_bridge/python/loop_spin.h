// SPDX-License-Identifier: Apache-2.0
// loop_spin.h: looks for the reply to a loop's only call for some microseconds, before the loop
// sleeps in its selector. Waking a sleeping thread takes longer than most replies.
// Threads: with the GIL, on the loop's thread; look() gives up the GIL while it looks.
//
// The look is a callback in the loop's next turn: the loop polls its selector before, and all
// callbacks that were ready have run. If the loop has something else to do, it does not look.
#pragma once

#include <chrono>

#include "loop_bridge/channel.h"
#include "loop_bridge/python/loop_reader.h"
#include "loop_bridge/spin_policy.h"

namespace loop_bridge {

class LoopSpin {
public:
    // max: the longest look; zero: none.
    explicit LoopSpin(SpinPolicy::Duration max) noexcept : max_(max), policy_(max) {}

    // The loop's only call was sent. Whether look() should run in the loop's next turn.
    bool begin() noexcept;
    // Returns when entries have arrived, or after the time that such looks have paid for before.
    void look(Gil gil, const LoopReader& reader, const Channel& channel) noexcept;

private:
    using Clock = std::chrono::steady_clock;
    bool is_idle(Gil gil, const LoopReader& reader) const noexcept;

    SpinPolicy::Duration max_;
    SpinPolicy policy_;
    SpinPolicy::Duration budget_{0};
    Clock::time_point begun_{};
};

}  // namespace loop_bridge
