// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/call_meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <bit>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace loop_bridge {
namespace {

using Ticket = CallMeter::Ticket;

std::uint64_t ended(const CallMeter& meter) {
    const auto histogram = meter.snapshot().histogram;
    return std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
}

TEST(CallMeter, new_meter_has_counted_nothing_and_has_no_limit) {
    const CallMeter meter;
    const auto now = meter.snapshot();
    EXPECT_EQ(now.started, 0U);
    EXPECT_EQ(now.in_flight, 0U);
    EXPECT_EQ(now.refused, 0U);
    EXPECT_EQ(now.stale, 0U);
    EXPECT_EQ(now.total_microseconds, 0U);
    EXPECT_EQ(ended(meter), 0U);
    EXPECT_EQ(meter.limit(), UINT64_MAX);
}

TEST(CallMeter, admitted_call_is_in_flight_until_its_ticket_is_destroyed) {
    CallMeter meter;
    {
        const auto ticket = meter.admit(false);
        ASSERT_TRUE(ticket.has_value());
        EXPECT_EQ(meter.snapshot().in_flight, 1U);
        EXPECT_EQ(ended(meter), 0U);
    }
    EXPECT_EQ(meter.snapshot().in_flight, 0U);
    EXPECT_EQ(meter.snapshot().started, 1U);
    EXPECT_EQ(ended(meter), 1U);
}

TEST(CallMeter, call_over_the_limit_is_refused_and_only_counted_as_such) {
    CallMeter meter;
    meter.set_limit(2);
    std::vector<std::optional<Ticket>> tickets;
    for (int i = 0; i < 2; ++i) tickets.push_back(meter.admit(false));
    EXPECT_FALSE(meter.admit(false).has_value());
    EXPECT_FALSE(meter.admit(false).has_value());
    EXPECT_EQ(meter.snapshot().refused, 2U);
    EXPECT_EQ(meter.snapshot().in_flight, 2U);
    EXPECT_EQ(meter.snapshot().started, 2U);

    tickets.pop_back();
    EXPECT_TRUE(meter.admit(false).has_value()) << "a call that ended makes room";
    EXPECT_EQ(meter.snapshot().refused, 2U);
}

TEST(CallMeter, limit_of_zero_refuses_every_call) {
    CallMeter meter;
    meter.set_limit(0);
    EXPECT_FALSE(meter.admit(false).has_value());
    EXPECT_EQ(meter.snapshot().refused, 1U);
}

TEST(CallMeter, lowered_limit_lets_calls_in_flight_go_on) {
    CallMeter meter;
    auto first = meter.admit(false);
    auto second = meter.admit(false);
    meter.set_limit(1);
    EXPECT_EQ(meter.snapshot().in_flight, 2U);
    first.reset();
    EXPECT_FALSE(meter.admit(false).has_value());
    second.reset();
    EXPECT_TRUE(meter.admit(false).has_value());
}

TEST(CallMeter, nested_call_is_admitted_over_the_limit_and_counted) {
    CallMeter meter;
    meter.set_limit(1);
    const auto outer = meter.admit(false);
    const auto nested = meter.admit(true);
    const auto deeper = meter.admit(true);
    EXPECT_TRUE(nested.has_value());
    EXPECT_TRUE(deeper.has_value());
    EXPECT_EQ(meter.snapshot().in_flight, 3U);
    EXPECT_EQ(meter.snapshot().started, 3U);
    EXPECT_EQ(meter.snapshot().refused, 0U);
    EXPECT_FALSE(meter.admit(false).has_value());
}

TEST(CallMeter, nested_call_is_over_the_limit_only_when_it_is_reached) {
    CallMeter meter;
    meter.set_limit(1);
    const auto within = meter.admit(true);
    EXPECT_FALSE(within->over_limit());
    const auto over = meter.admit(true);
    EXPECT_TRUE(over->over_limit());
}

TEST(CallMeter, moved_ticket_ends_its_call_once) {
    static_assert(!std::is_copy_constructible_v<Ticket> && !std::is_copy_assignable_v<Ticket>);
    CallMeter meter;
    {
        auto admitted = meter.admit(false);
        ASSERT_TRUE(admitted.has_value());
        Ticket moved{std::move(*admitted)};
        admitted.reset();
        EXPECT_EQ(meter.snapshot().in_flight, 1U) << "the emptied ticket ended the call";
        const Ticket again{std::move(moved)};
        EXPECT_EQ(meter.snapshot().in_flight, 1U);
    }
    EXPECT_EQ(meter.snapshot().in_flight, 0U);
    EXPECT_EQ(ended(meter), 1U);
}

TEST(CallMeter, assigned_ticket_ends_both_calls_once_each) {
    CallMeter first_meter;
    CallMeter second_meter;
    {
        auto first = first_meter.admit(false);
        auto second = second_meter.admit(false);
        ASSERT_TRUE(first.has_value() && second.has_value());
        *first = std::move(*second);
    }
    EXPECT_EQ(first_meter.snapshot().in_flight, 0U);
    EXPECT_EQ(second_meter.snapshot().in_flight, 0U);
    EXPECT_EQ(ended(first_meter), 1U);
    EXPECT_EQ(ended(second_meter), 1U);
}

// The meter's own figure says which bucket is right: the test assumes no speed.
TEST(CallMeter, one_call_lands_in_the_bucket_of_its_duration) {
    for (const auto at_least : {std::chrono::microseconds{0}, std::chrono::microseconds{1500}}) {
        CallMeter meter;
        {
            const auto ticket = meter.admit(false);
            const auto until = std::chrono::steady_clock::now() + at_least;
            while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
        }
        const auto now = meter.snapshot();
        EXPECT_GE(now.total_microseconds, static_cast<std::uint64_t>(at_least.count()));
        const auto bucket =
            std::min<std::size_t>(std::bit_width(now.total_microseconds), CallMeter::kBuckets - 1);
        EXPECT_EQ(now.histogram[bucket], 1U);
        EXPECT_EQ(ended(meter), 1U);
    }
}

TEST(CallMeter, stale_completions_are_counted_apart) {
    CallMeter meter;
    meter.count_stale();
    meter.count_stale();
    EXPECT_EQ(meter.snapshot().stale, 2U);
    EXPECT_EQ(meter.snapshot().started, 0U);
    EXPECT_EQ(ended(meter), 0U);
}

TEST(CallMeter, snapshot_does_not_change_afterwards) {
    CallMeter meter;
    const auto before = meter.snapshot();
    const auto ticket = meter.admit(false);
    EXPECT_EQ(before.started, 0U);
    EXPECT_EQ(before.in_flight, 0U);
    EXPECT_EQ(meter.snapshot().in_flight, 1U);
}

TEST(CallMeter, concurrent_admits_never_exceed_the_limit) {
    constexpr std::uint64_t kLimit = 3;
    constexpr int kThreads = 8;
    constexpr int kRounds = 5000;
    CallMeter meter;
    meter.set_limit(kLimit);
    std::atomic<std::uint64_t> holding{0};
    std::atomic<std::uint64_t> most{0};
    std::atomic<std::uint64_t> admitted{0};
    std::barrier start{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            start.arrive_and_wait();
            for (int round = 0; round < kRounds; ++round) {
                const auto ticket = meter.admit(false);
                if (!ticket) continue;
                const auto now = holding.fetch_add(1) + 1;
                auto seen = most.load();
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                admitted.fetch_add(1);
                if (round % 16 == 0) std::this_thread::yield();
                holding.fetch_sub(1);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    const auto now = meter.snapshot();
    EXPECT_LE(most.load(), kLimit);
    EXPECT_GT(admitted.load(), 0U);
    EXPECT_EQ(now.started, admitted.load());
    EXPECT_EQ(now.started + now.refused, std::uint64_t{kThreads} * kRounds);
    EXPECT_EQ(now.in_flight, 0U);
    EXPECT_EQ(ended(meter), now.started);
}

TEST(CallMeter, refused_calls_never_stand_in_the_count) {
    constexpr int kThreads = 4;
    CallMeter meter;
    meter.set_limit(2);
    const auto first = meter.admit(false);
    const auto second = meter.admit(false);
    std::atomic<bool> looking{true};
    std::barrier start{kThreads + 1};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            start.arrive_and_wait();
            while (looking.load()) static_cast<void>(meter.admit(false));
        });
    }
    start.arrive_and_wait();
    auto now = meter.snapshot();
    std::uint64_t most = now.in_flight;
    for (int looks = 0; looks < 200'000 || now.refused < 1'000'000; ++looks) {
        now = meter.snapshot();
        most = std::max(most, now.in_flight);
    }
    looking = false;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(most, 2U);
    EXPECT_EQ(meter.snapshot().started, 2U);
}

TEST(CallMeter, all_places_are_free_again_after_many_refusals) {
    CallMeter meter;
    meter.set_limit(4);
    {
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < 2000; ++round) {
                    const auto outer = meter.admit(false);
                    const auto inner = meter.admit(true);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }
    std::vector<std::optional<Ticket>> tickets;
    for (int i = 0; i < 4; ++i) tickets.push_back(meter.admit(false));
    EXPECT_TRUE(
        std::all_of(tickets.begin(), tickets.end(), [](const auto& t) { return t.has_value(); }));
    EXPECT_FALSE(meter.admit(false).has_value());
}

}  // namespace
}  // namespace loop_bridge
