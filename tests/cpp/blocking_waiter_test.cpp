// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/blocking_waiter.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/cpp/support/counted_entry.h"
#include "tests/cpp/support/descriptors.h"
#include "tests/cpp/support/wake_kinds.h"

namespace loop_bridge {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::counted;
using testing::kPatience;
using testing::make_entry;
using testing::numbers_of;
using testing::readable;
using Clock = std::chrono::steady_clock;
using Numbers = std::vector<int>;

class BlockingWaiterTest : public testing::EntriesBalance,
                           public ::testing::WithParamInterface<WakeKind> {
protected:
    static BlockingWaiter::Deadline patience() { return Clock::now() + kPatience; }

    void push(int number) {
        EntryPtr entry = make_entry(number);
        ASSERT_TRUE(channel_.push(entry));
    }

    Channel channel_{GetParam()};
    BlockingWaiter waiter_{channel_, microseconds(20)};
};

INSTANTIATE_TEST_SUITE_P(, BlockingWaiterTest, testing::every_wake_kind(), testing::wake_kind_name);

TEST_P(BlockingWaiterTest, returns_at_once_when_entries_wait) {
    push(1);
    EXPECT_EQ(waiter_.wait(std::nullopt), WaitOutcome::kEntries);
    EXPECT_EQ(numbers_of(channel_.take_all()), (Numbers{1}));
}

TEST_P(BlockingWaiterTest, entries_win_over_a_deadline_that_has_passed) {
    push(1);
    EXPECT_EQ(waiter_.wait(Clock::now() - milliseconds(1)), WaitOutcome::kEntries);
}

TEST_P(BlockingWaiterTest, deadline_in_the_past_only_looks) {
    EXPECT_EQ(waiter_.wait(Clock::now() - milliseconds(1)), WaitOutcome::kTimedOut);
    EXPECT_EQ(waiter_.wait(Clock::time_point::min()), WaitOutcome::kTimedOut);
}

TEST_P(BlockingWaiterTest, never_times_out_early) {
    for (const microseconds length : {microseconds(1), microseconds(300), microseconds(2700)}) {
        const auto deadline = Clock::now() + length;
        EXPECT_EQ(waiter_.wait(deadline), WaitOutcome::kTimedOut);
        EXPECT_GE(Clock::now(), deadline);
    }
}

TEST_P(BlockingWaiterTest, a_deadline_beyond_every_clock_is_no_deadline) {
    std::thread producer([this] { push(1); });
    EXPECT_EQ(waiter_.wait(Clock::time_point::max()), WaitOutcome::kEntries);
    producer.join();
}

TEST_P(BlockingWaiterTest, wakes_for_an_entry) {
    std::thread producer([this] { push(1); });
    EXPECT_EQ(waiter_.wait(patience()), WaitOutcome::kEntries);
    producer.join();
    EXPECT_EQ(numbers_of(channel_.take_all()), (Numbers{1}));
}

TEST_P(BlockingWaiterTest, waits_again_after_a_time_out) {
    ASSERT_EQ(waiter_.wait(Clock::now()), WaitOutcome::kTimedOut);
    std::thread producer([this] { push(1); });
    EXPECT_EQ(waiter_.wait(patience()), WaitOutcome::kEntries);
    producer.join();
}

TEST_P(BlockingWaiterTest, closed_channel_ends_the_wait) {
    std::thread closer([this] { channel_.close(); });
    EXPECT_EQ(waiter_.wait(patience()), WaitOutcome::kClosed);
    closer.join();
    EXPECT_EQ(waiter_.wait(std::nullopt), WaitOutcome::kClosed);
}

TEST_P(BlockingWaiterTest, wake_without_entries_interrupts) {
    std::thread waker([this] { channel_.wake(); });
    EXPECT_EQ(waiter_.wait(patience()), WaitOutcome::kInterrupted);
    waker.join();
    EXPECT_FALSE(readable(channel_.fd()));
    EXPECT_EQ(waiter_.wait(Clock::now()), WaitOutcome::kTimedOut);
}

void on_signal(int) {}

TEST_P(BlockingWaiterTest, signal_interrupts) {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = on_signal;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    const pthread_t self = ::pthread_self();
    std::atomic<bool> done{false};
    // A test cannot see that the waiter sleeps. So it sends until one entry arrives meanwhile.
    std::thread sender([&] {
        while (!done) {
            ::pthread_kill(self, SIGUSR1);
            std::this_thread::yield();
        }
    });
    EXPECT_EQ(waiter_.wait(patience()), WaitOutcome::kInterrupted);
    done = true;
    sender.join();
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

// All ways in which a wait can end, mixed, with real threads. All pushed entries arrive in order.
TEST_P(BlockingWaiterTest, many_producers_wakes_and_short_deadlines_lose_nothing) {
    constexpr int kProducers = 3;
    constexpr int kEach = 5000;
    std::vector<std::thread> threads;
    for (int producer = 0; producer < kProducers; ++producer) {
        threads.emplace_back([this, producer] {
            for (int i = 0; i < kEach; ++i) {
                EntryPtr entry = make_entry(i, producer);
                ASSERT_TRUE(channel_.push(entry));
                if (i % 64 == 0) {
                    channel_.wake();
                }
                if (i % 8 == 0) {
                    std::this_thread::yield();
                }
            }
        });
    }
    std::array<int, kProducers> next{};
    int received = 0;
    const auto give_up = Clock::now() + kPatience;
    for (int turn = 0; received < kProducers * kEach; ++turn) {
        const auto deadline = turn % 3 == 0 ? Clock::now() + microseconds(50) : give_up;
        const WaitOutcome outcome = waiter_.wait(deadline);
        ASSERT_NE(outcome, WaitOutcome::kClosed);
        EntryList list = channel_.take_all();
        while (const EntryPtr entry = list.pop_front()) {
            EXPECT_EQ(counted(entry).number(), next.at(counted(entry).producer())++);
            ++received;
        }
        if (Clock::now() > give_up) {
            ADD_FAILURE() << "stalled after " << received;
            break;
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

// Two waiters that answer each other: spinning, arming and sleeping all happen.
TEST_P(BlockingWaiterTest, ping_pong_answers_every_round) {
    constexpr int kRounds = 5000;
    Channel answers(GetParam());
    std::thread echo([&] {
        BlockingWaiter waiter(channel_, microseconds(20));
        for (;;) {
            const WaitOutcome outcome = waiter.wait(patience());
            if (outcome == WaitOutcome::kClosed || outcome == WaitOutcome::kTimedOut) {
                return;
            }
            EntryList list = channel_.take_all();
            while (EntryPtr entry = list.pop_front()) {
                ASSERT_TRUE(answers.push(entry));
            }
        }
    });
    BlockingWaiter waiter(answers, microseconds(20));
    int answered = 0;
    for (; answered < kRounds; ++answered) {
        push(answered);
        WaitOutcome outcome = WaitOutcome::kInterrupted;
        while (outcome == WaitOutcome::kInterrupted) {
            outcome = waiter.wait(patience());
        }
        if (outcome != WaitOutcome::kEntries ||
            numbers_of(answers.take_all()) != Numbers{answered}) {
            break;
        }
    }
    EXPECT_EQ(answered, kRounds);
    channel_.close();
    echo.join();
}

}  // namespace
}  // namespace loop_bridge
