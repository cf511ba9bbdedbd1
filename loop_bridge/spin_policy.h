// SPDX-License-Identifier: Apache-2.0
// spin_policy.h: how long to look before sleeping, learnt from how it paid.
// A wake-up of a sleeping thread costs tens of microseconds, a reply from a busy BEAM a few:
// looking for a moment is worth a factor of five to one thread. With many threads it takes the
// processor from those that would answer, so few may look at a time, and who looked in vain stops
// for a while.
// Threads: SpinPolicy    one consumer; no clock and no globals inside
//          SpinSeats     any thread
#pragma once

#include <atomic>
#include <chrono>
#include <optional>

#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

class SpinPolicy {
public:
    using Duration = std::chrono::nanoseconds;

    // max: the longest spin ever; zero or less: never spin.
    explicit SpinPolicy(Duration max) noexcept;

    // How long the wait that begins now may spin; zero: not at all. Each non-zero budget that is
    // used is answered by one of the two below.
    Duration next_budget() noexcept;
    // It paid: entries came after `took`.
    void paid(Duration took) noexcept;
    // The budget ran out in vain.
    void failed() noexcept;

private:
    Duration max_;
    Duration budget_;
    Duration typical_{0};  // moving average of what paid; zero before the first
    int failures_ = 0;     // in a row
    int pause_;            // waits to let pass after the next failure
    int skip_ = 0;         // waits still to let pass
};

// How many threads of the process may spin at once: half of the processors.
class SpinSeats {
public:
    class Seat {
    public:
        explicit Seat(SpinSeats& seats) noexcept;
        ~Seat();
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;

        // False: all were taken; don't spin.
        explicit operator bool() const noexcept { return taken_; }

    private:
        SpinSeats& seats_;
        bool taken_;
    };

    explicit constexpr SpinSeats(int count) noexcept : free_(count) {}
    static SpinSeats& of_process() noexcept;

private:
    std::atomic<int> free_;
};

// Looks until ready() or until the budget is over by now(): how long it took, or nothing.
template <class Now, class Ready>
std::optional<SpinPolicy::Duration> spin(SpinPolicy::Duration budget, Now&& now, Ready&& ready) {
    // A clock reading costs about as much as a pause; a few pauses for each keep both small.
    constexpr int kPausesPerReading = 4;
    const auto start = now();
    for (;;) {
        for (int i = 0; i < kPausesPerReading; ++i) {
            if (ready()) {
                return now() - start;
            }
            cpu_pause();
        }
        if (now() - start >= budget) {
            return std::nullopt;
        }
    }
}

}  // namespace loop_bridge
