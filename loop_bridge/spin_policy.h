// SPDX-License-Identifier: Apache-2.0
// spin_policy.h: learns how long a thread should spin before it sleeps.
// Threads: SpinPolicy    one consumer; no clock and no globals inside
//          SpinSeats     any thread
//
// The wake-up of a sleeping thread costs tens of microseconds; a reply of a busy BEAM takes a few.
// So a short spin makes a single thread up to five times faster. With many threads, spinning takes
// the processor from the threads that would answer. So only few threads may spin at a time, and a
// thread that has spun in vain pauses for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "loop_bridge/cpu_pause.h"

namespace loop_bridge {

class SpinPolicy {
public:
    using Duration = std::chrono::nanoseconds;

    // max: the longest spin; zero or less: never spin.
    explicit SpinPolicy(Duration max) noexcept;

    // How long the wait that begins now may spin; zero: not at all. The caller reports each used
    // budget with paid() or failed().
    Duration next_budget() noexcept;
    // Entries came after `took`.
    void paid(Duration took) noexcept;
    // The budget ran out without entries.
    void failed() noexcept;

private:
    Duration max_;
    Duration budget_;
    Duration typical_{0};  // moving average of successful spins; zero before the first
    int failures_ = 0;     // in a row
    int pause_;            // waits without a spin after the next failure
    int skip_ = 0;         // waits without a spin that are left
};

// How many threads of the process may spin at the same time: half of the processors.
class SpinSeats {
public:
    class Seat {
    public:
        explicit Seat(SpinSeats& seats) noexcept;
        ~Seat();
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;

        // False: all seats are taken; don't spin.
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

// Spins until ready(), or until now() is past the budget. Returns the time it took, or nothing.
template <class Now, class Ready>
std::optional<SpinPolicy::Duration> spin(SpinPolicy::Duration budget, Now&& now, Ready&& ready) {
    // A clock reading costs about as much as a pause. A few pauses for each reading keep both costs
    // small.
    constexpr int kPausesPerReading = 4;
    const auto start = now();
    for (;;) {
        for (int i = 0; i < kPausesPerReading; ++i) {
            if (ready()) return now() - start;
            cpu_pause();
        }
        if (now() - start >= budget) return std::nullopt;
    }
}

// Spins until ready(), or until the budget of the policy is used up. Tells the policy the outcome.
template <class Ready>
void spin_and_learn(SpinPolicy& policy, SpinPolicy::Duration budget, Ready&& ready) {
    const auto took = spin(budget, std::chrono::steady_clock::now, std::forward<Ready>(ready));
    if (took.has_value()) {
        policy.paid(*took);
    } else {
        policy.failed();
    }
}

}  // namespace loop_bridge
