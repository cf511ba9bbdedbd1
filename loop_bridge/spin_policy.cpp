// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/spin_policy.h"

#include <algorithm>
#include <thread>

namespace loop_bridge {

namespace {

// A reply that takes a few times longer than usual is still worth a spin; a much later one is not.
constexpr int kBudgetPerTypical = 4;
constexpr SpinPolicy::Duration kSmallestBudget = std::chrono::microseconds(2);
// One slow call among fast ones is no reason to stop.
constexpr int kFailuresTolerated = 2;
// After that, so many waits do not spin: cheap while spinning fails, and short enough when it pays.
// Then as many spins are tried again: after a pause the first may find Erlang's schedulers asleep.
constexpr int kShortestPause = 8;
constexpr int kLongestPause = 256;

}  // namespace

SpinPolicy::SpinPolicy(Duration max) noexcept : max_(max), budget_(max), pause_(kShortestPause) {}

SpinPolicy::Duration SpinPolicy::next_budget() noexcept {
    if (max_ <= Duration::zero()) return Duration::zero();
    if (skip_ > 0) {
        --skip_;
        return Duration::zero();
    }
    return budget_;
}

void SpinPolicy::paid(Duration took) noexcept {
    typical_ = typical_ == Duration::zero() ? took : (3 * typical_ + took) / 4;
    budget_ = std::min(max_, std::max(kSmallestBudget, kBudgetPerTypical * typical_));
    failures_ = 0;
    pause_ = kShortestPause;
}

void SpinPolicy::failed() noexcept {
    if (++failures_ == kFailuresTolerated) {
        failures_ = 0;
        skip_ = pause_;
        pause_ = std::min(2 * pause_, kLongestPause);
        // The typical time may have changed: the next spin uses the longest budget.
        budget_ = max_;
        typical_ = Duration::zero();
    }
}

SpinSeats::Seat::Seat(SpinSeats& seats) noexcept
    : seats_(seats), taken_(seats.free_.fetch_sub(1, std::memory_order_relaxed) > 0) {
    if (!taken_) seats_.free_.fetch_add(1, std::memory_order_relaxed);
}

SpinSeats::Seat::~Seat() {
    if (taken_) seats_.free_.fetch_add(1, std::memory_order_relaxed);
}

SpinSeats& SpinSeats::of_process() noexcept {
    // Never destroyed: threads may still spin at exit.
    static SpinSeats seats(static_cast<int>(std::thread::hardware_concurrency() / 2));
    return seats;
}

}  // namespace loop_bridge
