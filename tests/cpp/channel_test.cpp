// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/channel.h"

#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "tests/cpp/support/counted_entry.h"
#include "tests/cpp/support/descriptors.h"
#include "tests/cpp/support/wake_kinds.h"

namespace loop_bridge {
namespace {

using testing::counted;
using testing::kPatience;
using testing::make_entry;
using testing::numbers_of;
using testing::readable;
using Numbers = std::vector<int>;

class ChannelTest : public testing::EntriesBalance, public ::testing::WithParamInterface<WakeKind> {
protected:
    bool push(int number) {
        EntryPtr entry = make_entry(number);
        return channel_.push(entry);
    }

    Channel channel_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(, ChannelTest, testing::every_wake_kind(), testing::wake_kind_name);

TEST_P(ChannelTest, push_wakes_an_armed_consumer) {
    ASSERT_TRUE(channel_.arm());
    EXPECT_FALSE(readable(channel_.fd()));
    EXPECT_TRUE(push(1));
    EXPECT_TRUE(readable(channel_.fd()));
    channel_.clear_wake();
    EXPECT_FALSE(readable(channel_.fd()));
    EXPECT_EQ(numbers_of(channel_.take_all()), (Numbers{1}));
}

TEST_P(ChannelTest, push_to_a_busy_consumer_writes_nothing) {
    EXPECT_TRUE(push(1));
    EXPECT_TRUE(push(2));
    EXPECT_FALSE(readable(channel_.fd()));
    EXPECT_TRUE(channel_.has_entries());
}

TEST_P(ChannelTest, wake_makes_it_readable_without_an_entry) {
    channel_.wake();
    EXPECT_TRUE(readable(channel_.fd()));
    EXPECT_FALSE(channel_.has_entries());
}

TEST_P(ChannelTest, close_wakes_and_returns_what_was_left) {
    push(1);
    EXPECT_EQ(numbers_of(channel_.close()), (Numbers{1}));
    EXPECT_TRUE(channel_.closed());
    EXPECT_TRUE(readable(channel_.fd()));
    EXPECT_FALSE(push(2));
    EXPECT_TRUE(channel_.close().empty());
}

TEST_P(ChannelTest, close_wakes_a_sleeping_consumer) {
    ASSERT_TRUE(channel_.arm());
    std::thread closer([this] { channel_.close(); });
    EXPECT_TRUE(readable(channel_.fd(), kPatience));
    closer.join();
    EXPECT_FALSE(channel_.arm());
}

TEST_P(ChannelTest, descriptors_and_entries_are_flat_over_many_lives) {
    const auto before = testing::count_open_descriptors();
    for (int i = 0; i < 1000; ++i) {
        Channel channel(GetParam());
        EntryPtr entry = make_entry(i);
        ASSERT_TRUE(channel.push(entry));
    }
    EXPECT_EQ(testing::count_open_descriptors(), before);
}

// The producers pause as soon as the consumer is behind, so the consumer falls asleep very often. A
// push must end each of these naps. A lost wake-up exceeds the patience of readable() and fails.
TEST_P(ChannelTest, no_wake_up_is_lost) {
    constexpr int kProducers = 4;
    constexpr int kEach = 10'000;
    std::atomic<int> received{0};
    std::atomic<int> sent{0};
    std::atomic<bool> give_up{false};
    std::vector<std::thread> producers;
    for (int producer = 0; producer < kProducers; ++producer) {
        producers.emplace_back([&, producer] {
            for (int i = 0; i < kEach && !give_up; ++i) {
                EntryPtr entry = make_entry(i, producer);
                ASSERT_TRUE(channel_.push(entry));
                const int mine = sent.fetch_add(1) + 1;
                while (received < mine - kProducers && !give_up) {
                    std::this_thread::yield();
                }
            }
        });
    }
    std::array<int, kProducers> next{};
    int naps = 0;
    while (received < kProducers * kEach) {
        channel_.clear_wake();
        EntryList list = channel_.take_all();
        while (const EntryPtr entry = list.pop_front()) {
            EXPECT_EQ(counted(entry).number(), next.at(counted(entry).producer())++);
            received.fetch_add(1);
        }
        if (received < kProducers * kEach && channel_.arm()) {
            ++naps;
            if (!readable(channel_.fd(), kPatience)) {
                ADD_FAILURE() << "wake-up lost after " << received << " entries";
                give_up = true;
                break;
            }
        }
    }
    for (std::thread& producer : producers) {
        producer.join();
    }
    RecordProperty("naps", naps);
}

// One entry at a time goes back and forth: each side sleeps before every entry.
TEST_P(ChannelTest, ping_pong_between_two_sleepers_never_stalls) {
    constexpr int kRounds = 5000;
    Channel answers(GetParam());
    const auto await_one = [](Channel& channel) {
        while (channel.arm()) {
            if (!readable(channel.fd(), kPatience)) {
                return false;
            }
            channel.clear_wake();
        }
        return numbers_of(channel.take_all()).size() == 1;
    };
    std::thread echo([&] {
        for (int i = 0; i < kRounds; ++i) {
            ASSERT_TRUE(await_one(channel_));
            EntryPtr answer = make_entry(i);
            ASSERT_TRUE(answers.push(answer));
        }
    });
    for (int i = 0; i < kRounds; ++i) {
        ASSERT_TRUE(push(i));
        if (!await_one(answers)) {
            ADD_FAILURE() << "stalled in round " << i;
            break;
        }
    }
    echo.join();
}

// A consumer sleeps while producers push and a closer closes. The consumer wakes, and nothing is
// lost.
TEST_P(ChannelTest, close_racing_with_push_and_sleep_loses_nothing) {
    constexpr int kProducers = 3;
    constexpr int kEach = 30;
    for (int round = 0; round < 200; ++round) {
        Channel channel(GetParam());
        std::latch start(kProducers + 2);
        std::atomic<std::size_t> accepted{0};
        std::vector<std::thread> threads;
        for (int producer = 0; producer < kProducers; ++producer) {
            threads.emplace_back([&, producer] {
                start.arrive_and_wait();
                for (int i = 0; i < kEach; ++i) {
                    EntryPtr entry = make_entry(i, producer);
                    if (channel.push(entry)) {
                        accepted.fetch_add(1);
                    }
                }
            });
        }
        std::size_t left = 0;
        threads.emplace_back([&] {
            start.arrive_and_wait();
            left = numbers_of(channel.close()).size();
        });
        start.arrive_and_wait();
        std::size_t taken = 0;
        bool woken = true;
        while (!channel.closed() && woken) {
            channel.clear_wake();
            taken += numbers_of(channel.take_all()).size();
            woken = !channel.arm() || readable(channel.fd(), kPatience);
        }
        EXPECT_TRUE(woken) << "slept through close";
        for (std::thread& thread : threads) {
            thread.join();
        }
        ASSERT_EQ(taken + left, accepted.load());
    }
}

}  // namespace
}  // namespace loop_bridge
