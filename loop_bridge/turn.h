// SPDX-License-Identifier: Apache-2.0
// turn.h: limits the work of a loop's consumer in one go, before the loop's other callbacks.
// Threads: the consumer only.
//
// An entry costs the loop more time than it costs here: its future calls back and tasks go on
// afterwards, in one go as well. So the number of entries is limited, not only the time.
#pragma once

#include <chrono>

namespace loop_bridge {

class Turn {
public:
    // A turn of the loop costs about as much as ten entries.
    static constexpr int kEntries = 256;
    // For expensive entries: large values, and coroutines that start.
    static constexpr std::chrono::milliseconds kTime{2};

    // Called after each entry. True when the loop's other callbacks should run.
    bool over() noexcept { return --left_ <= 0 || Clock::now() >= end_; }

private:
    using Clock = std::chrono::steady_clock;

    int left_ = kEntries;
    Clock::time_point end_ = Clock::now() + kTime;
};

}  // namespace loop_bridge
