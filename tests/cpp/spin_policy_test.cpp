// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/spin_policy.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace loop_bridge {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr microseconds kMax{20};

// The number of waits, out of `waits`, that spin when each needs `needed`.
int waits_that_spin(SpinPolicy& policy, int waits, nanoseconds needed) {
    int spun = 0;
    for (int i = 0; i < waits; ++i) {
        const nanoseconds budget = policy.next_budget();
        EXPECT_LE(budget, kMax);
        if (budget == nanoseconds::zero()) {
            continue;
        }
        ++spun;
        if (needed < budget) {
            policy.paid(needed);
        } else {
            policy.failed();
        }
    }
    return spun;
}

TEST(SpinPolicy, first_wait_spins_as_long_as_it_may) {
    SpinPolicy policy(kMax);
    EXPECT_EQ(policy.next_budget(), kMax);
}

TEST(SpinPolicy, maximum_of_zero_never_spins) {
    SpinPolicy policy(microseconds(0));
    EXPECT_EQ(waits_that_spin(policy, 1000, nanoseconds(1)), 0);
}

TEST(SpinPolicy, negative_maximum_never_spins) {
    SpinPolicy policy(microseconds(-5));
    EXPECT_EQ(waits_that_spin(policy, 1000, nanoseconds(1)), 0);
}

TEST(SpinPolicy, goes_on_while_it_pays) {
    SpinPolicy policy(kMax);
    EXPECT_EQ(waits_that_spin(policy, 1000, microseconds(3)), 1000);
}

TEST(SpinPolicy, budget_shrinks_to_a_few_times_what_is_typical) {
    SpinPolicy policy(kMax);
    waits_that_spin(policy, 50, microseconds(2));
    const nanoseconds budget = policy.next_budget();
    EXPECT_GT(budget, microseconds(2));
    EXPECT_LE(budget, microseconds(10));
}

TEST(SpinPolicy, budget_never_exceeds_the_maximum) {
    SpinPolicy policy(kMax);
    for (int i = 0; i < 100; ++i) {
        policy.paid(microseconds(19));
        EXPECT_LE(policy.next_budget(), kMax);
    }
    SpinPolicy tiny(microseconds(1));
    tiny.paid(nanoseconds(100));
    EXPECT_LE(tiny.next_budget(), microseconds(1));
}

TEST(SpinPolicy, all_but_stops_when_it_never_pays) {
    SpinPolicy policy(kMax);
    const int spun = waits_that_spin(policy, 10'000, microseconds(300));
    EXPECT_LT(spun, 100);
}

TEST(SpinPolicy, tries_again_from_time_to_time_and_recovers) {
    SpinPolicy policy(kMax);
    waits_that_spin(policy, 10'000, microseconds(300));
    EXPECT_GT(waits_that_spin(policy, 2000, microseconds(3)), 1000);
    EXPECT_EQ(waits_that_spin(policy, 1000, microseconds(3)), 1000);
}

TEST(SpinPolicy, recovers_although_the_first_reply_after_a_pause_is_late) {
    SpinPolicy policy(kMax);
    waits_that_spin(policy, 10'000, microseconds(300));
    int pauses = 0;
    for (int i = 0; i < 2000; ++i) {
        if (policy.next_budget() == nanoseconds::zero()) {
            ++pauses;
        } else if (pauses > 0) {
            pauses = 0;
            policy.failed();
        } else {
            policy.paid(microseconds(3));
        }
    }
    EXPECT_EQ(waits_that_spin(policy, 1000, microseconds(3)), 1000);
}

TEST(SpinPolicy, notices_replies_that_became_slower_but_still_pay) {
    SpinPolicy policy(kMax);
    waits_that_spin(policy, 100, microseconds(1));
    waits_that_spin(policy, 100, microseconds(15));
    EXPECT_EQ(waits_that_spin(policy, 100, microseconds(15)), 100);
}

TEST(SpinPolicy, one_slow_reply_among_fast_ones_changes_nothing) {
    SpinPolicy policy(kMax);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(waits_that_spin(policy, 5, microseconds(3)), 5);
        EXPECT_EQ(waits_that_spin(policy, 1, microseconds(300)), 1);
    }
}

TEST(SpinSeats, no_more_threads_spin_than_there_are_seats) {
    SpinSeats seats(2);
    std::optional<SpinSeats::Seat> first(std::in_place, seats);
    const SpinSeats::Seat second(seats);
    EXPECT_TRUE(*first);
    EXPECT_TRUE(second);
    {
        const SpinSeats::Seat third(seats);
        EXPECT_FALSE(third);
    }
    first.reset();
    const SpinSeats::Seat fourth(seats);
    EXPECT_TRUE(fourth);
}

TEST(SpinSeats, without_seats_nobody_spins) {
    SpinSeats seats(0);
    EXPECT_FALSE(SpinSeats::Seat(seats));
}

TEST(SpinSeats, threads_together_never_exceed_them) {
    constexpr int kSeats = 2;
    SpinSeats seats(kSeats);
    std::atomic<int> seated{0};
    std::atomic<int> most{0};
    std::latch start(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            start.arrive_and_wait();
            for (int k = 0; k < 10'000; ++k) {
                const SpinSeats::Seat seat(seats);
                if (seat) {
                    const int now = seated.fetch_add(1) + 1;
                    int known = most;
                    while (now > known && !most.compare_exchange_weak(known, now)) {
                    }
                    seated.fetch_sub(1);
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_LE(most, kSeats);
    const SpinSeats::Seat first(seats);
    const SpinSeats::Seat second(seats);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
}

// A clock that advances by `step` at each reading.
struct FakeClock {
    nanoseconds time{0};
    nanoseconds step{100};
    int readings = 0;

    nanoseconds operator()() {
        ++readings;
        return std::exchange(time, time + step);
    }
};

TEST(Spin, ends_when_the_budget_is_over) {
    FakeClock clock;
    const auto took = spin(microseconds(5), clock, [] { return false; });
    EXPECT_FALSE(took.has_value());
    EXPECT_GE(clock.time, microseconds(5));
    EXPECT_LE(clock.time, microseconds(5) + 2 * clock.step);
}

TEST(Spin, says_how_long_it_took) {
    FakeClock clock;
    const auto took = spin(microseconds(5), clock, [&] { return clock.readings >= 10; });
    ASSERT_TRUE(took.has_value());
    EXPECT_EQ(*took, nanoseconds(1000));
}

TEST(Spin, what_is_ready_costs_no_time) {
    FakeClock clock;
    EXPECT_EQ(spin(microseconds(5), clock, [] { return true; }), clock.step);
    EXPECT_EQ(clock.readings, 2);
}

}  // namespace
}  // namespace loop_bridge
