// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/completion_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "tests/cpp/support/counted_entry.h"

namespace loop_bridge {
namespace {

using testing::counted;
using testing::make_entry;
using testing::numbers_of;
using Numbers = std::vector<int>;

class CompletionQueueTest : public testing::EntriesBalance {
protected:
    PushResult push(int number) {
        EntryPtr entry = make_entry(number);
        const PushResult result = queue_.push(entry);
        EXPECT_EQ(entry != nullptr, result == PushResult::kClosed);
        return result;
    }

    CompletionQueue queue_;
};

TEST_F(CompletionQueueTest, is_empty_at_first) {
    EXPECT_FALSE(queue_.has_entries());
    EXPECT_FALSE(queue_.closed());
    EXPECT_TRUE(queue_.take_all().empty());
}

TEST_F(CompletionQueueTest, entries_come_out_in_arrival_order) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(push(i), PushResult::kQueued);
    }
    EXPECT_TRUE(queue_.has_entries());
    EXPECT_EQ(numbers_of(queue_.take_all()), (Numbers{0, 1, 2, 3, 4}));
    EXPECT_FALSE(queue_.has_entries());
}

TEST_F(CompletionQueueTest, only_the_first_push_after_arming_asks_for_a_wake_up) {
    ASSERT_TRUE(queue_.arm());
    EXPECT_EQ(push(1), PushResult::kQueuedWake);
    EXPECT_EQ(push(2), PushResult::kQueued);
    EXPECT_EQ(numbers_of(queue_.take_all()), (Numbers{1, 2}));
    EXPECT_EQ(push(3), PushResult::kQueued);
}

TEST_F(CompletionQueueTest, arming_is_refused_while_entries_wait) {
    push(1);
    EXPECT_FALSE(queue_.arm());
    EXPECT_EQ(numbers_of(queue_.take_all()), (Numbers{1}));
    EXPECT_TRUE(queue_.arm());
}

TEST_F(CompletionQueueTest, arming_twice_is_arming_once) {
    EXPECT_TRUE(queue_.arm());
    EXPECT_TRUE(queue_.arm());
    EXPECT_FALSE(queue_.has_entries());
    EXPECT_EQ(push(1), PushResult::kQueuedWake);
    EXPECT_EQ(push(2), PushResult::kQueued);
}

TEST_F(CompletionQueueTest, taking_disarms) {
    ASSERT_TRUE(queue_.arm());
    EXPECT_TRUE(queue_.take_all().empty());
    EXPECT_EQ(push(1), PushResult::kQueued);
}

TEST_F(CompletionQueueTest, close_returns_what_was_left) {
    push(1);
    push(2);
    EXPECT_EQ(numbers_of(queue_.close()), (Numbers{1, 2}));
    EXPECT_TRUE(queue_.close().empty());
}

TEST_F(CompletionQueueTest, push_after_close_is_refused_and_stays_with_the_caller) {
    queue_.close();
    EntryPtr entry = make_entry(7);
    EXPECT_EQ(queue_.push(entry), PushResult::kClosed);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(counted(entry).number(), 7);
}

TEST_F(CompletionQueueTest, closed_stays_closed) {
    ASSERT_TRUE(queue_.arm());
    queue_.close();
    EXPECT_FALSE(queue_.arm());
    EXPECT_TRUE(queue_.take_all().empty());
    EXPECT_TRUE(queue_.closed());
    EXPECT_TRUE(queue_.has_entries());
}

TEST_F(CompletionQueueTest, destructor_deletes_what_nobody_took) {
    CompletionQueue queue;
    for (int i = 0; i < 3; ++i) {
        EntryPtr entry = make_entry(i);
        ASSERT_EQ(queue.push(entry), PushResult::kQueued);
    }
}

TEST_F(CompletionQueueTest, a_list_deletes_what_nobody_popped) {
    for (int i = 0; i < 4; ++i) {
        push(i);
    }
    EntryList list = queue_.take_all();
    EXPECT_EQ(counted(list.pop_front()).number(), 0);
    EntryList moved(std::move(list));
    EXPECT_EQ(counted(moved.pop_front()).number(), 1);
    push(9);
    moved = queue_.take_all();
    EXPECT_EQ(testing::CountedEntry::alive, 1);
    EXPECT_EQ(numbers_of(std::move(moved)), (Numbers{9}));
}

TEST_F(CompletionQueueTest, a_list_keeps_the_order_of_what_is_put_behind) {
    push(0);
    push(1);
    EntryList list = queue_.take_all();
    list.push_back(make_entry(2));
    EXPECT_EQ(counted(list.pop_front()).number(), 0);
    list.push_back(make_entry(3));
    EXPECT_EQ(numbers_of(std::move(list)), (Numbers{1, 2, 3}));
    EntryList empty;
    empty.push_back(make_entry(4));
    EXPECT_EQ(numbers_of(std::move(empty)), (Numbers{4}));
}

TEST_F(CompletionQueueTest, each_producers_order_is_kept_among_many) {
    constexpr int kProducers = 4;
    constexpr int kEach = 20'000;
    std::vector<std::thread> producers;
    for (int producer = 0; producer < kProducers; ++producer) {
        producers.emplace_back([this, producer] {
            for (int i = 0; i < kEach; ++i) {
                EntryPtr entry = make_entry(i, producer);
                ASSERT_NE(queue_.push(entry), PushResult::kClosed);
            }
        });
    }
    std::array<int, kProducers> next{};
    for (int received = 0; received < kProducers * kEach;) {
        EntryList list = queue_.take_all();
        if (list.empty()) {
            std::this_thread::yield();
        }
        while (const EntryPtr entry = list.pop_front()) {
            ASSERT_EQ(counted(entry).number(), next.at(counted(entry).producer())++);
            ++received;
        }
    }
    for (std::thread& producer : producers) {
        producer.join();
    }
    EXPECT_TRUE(queue_.take_all().empty());
}

// The queue is closed while producers push and the consumer takes. Every entry is taken, left over
// or refused.
TEST_F(CompletionQueueTest, close_racing_with_push_loses_nothing) {
    constexpr int kProducers = 3;
    constexpr int kEach = 50;
    for (int round = 0; round < 300; ++round) {
        CompletionQueue queue;
        std::latch start(kProducers + 2);
        std::atomic<int> refused{0};
        std::atomic<int> accepted{0};
        std::vector<std::thread> threads;
        for (int producer = 0; producer < kProducers; ++producer) {
            threads.emplace_back([&, producer] {
                start.arrive_and_wait();
                for (int i = 0; i < kEach; ++i) {
                    EntryPtr entry = make_entry(i, producer);
                    const bool closed = queue.push(entry) == PushResult::kClosed;
                    (closed ? refused : accepted).fetch_add(1);
                }
            });
        }
        std::size_t left = 0;
        threads.emplace_back([&] {
            start.arrive_and_wait();
            left = numbers_of(queue.close()).size();
        });
        start.arrive_and_wait();
        std::size_t taken = 0;
        while (!queue.closed()) {
            taken += numbers_of(queue.take_all()).size();
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        ASSERT_EQ(taken + left, static_cast<std::size_t>(accepted.load()));
        ASSERT_EQ(accepted + refused, kProducers * kEach);
    }
}

}  // namespace
}  // namespace loop_bridge
