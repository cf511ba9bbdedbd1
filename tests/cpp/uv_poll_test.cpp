// SPDX-License-Identifier: Apache-2.0
// A channel in a foreign event loop: libuv watches the channel's descriptor, as uvloop does.
#include <gtest/gtest.h>
#include <uv.h>

#include <array>
#include <thread>
#include <vector>

#include "loop_bridge/channel.h"
#include "tests/cpp/support/counted_entry.h"
#include "tests/cpp/support/descriptors.h"
#include "tests/cpp/support/wake_kinds.h"

namespace loop_bridge {
namespace {

using testing::counted;
using testing::make_entry;

constexpr int kProducers = 8;
constexpr int kEach = 5000;

// The consumer of a channel that starts empty, on a loop of its own.
class UvConsumer {
public:
    explicit UvConsumer(Channel& channel) : channel_(channel) {
        EXPECT_EQ(::uv_loop_init(&loop_), 0);
        EXPECT_EQ(::uv_poll_init(&loop_, &poll_, channel.fd()), 0);
        EXPECT_EQ(::uv_timer_init(&loop_, &patience_), 0);
        poll_.data = this;
        patience_.data = this;
        EXPECT_TRUE(channel.arm());
    }
    UvConsumer(const UvConsumer&) = delete;
    UvConsumer& operator=(const UvConsumer&) = delete;
    ~UvConsumer() { EXPECT_EQ(::uv_loop_close(&loop_), 0); }

    // Runs until the channel is closed.
    void run() {
        start();
        ::uv_run(&loop_, UV_RUN_DEFAULT);
    }

    // Runs until something has happened.
    void run_once() {
        start();
        ::uv_run(&loop_, UV_RUN_ONCE);
    }

    int received() const { return received_; }
    int wake_ups() const { return wake_ups_; }

private:
    void start() {
        const std::chrono::milliseconds patience = testing::kPatience;
        ::uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int status, int) {
            EXPECT_EQ(status, 0);
            static_cast<UvConsumer*>(poll->data)->drain();
        });
        ::uv_timer_start(
            &patience_,
            [](uv_timer_t* timer) {
                ADD_FAILURE() << "wake-up lost";
                static_cast<UvConsumer*>(timer->data)->stop();
            },
            static_cast<std::uint64_t>(patience.count()), 0);
    }

    void drain() {
        ++wake_ups_;
        channel_.clear_wake();
        do {
            EntryList list = channel_.take_all();
            while (const EntryPtr entry = list.pop_front()) {
                EXPECT_EQ(counted(entry).number(), next_.at(counted(entry).producer())++);
                ++received_;
            }
            if (channel_.closed()) {
                stop();
                return;
            }
        } while (!channel_.arm());
    }

    void stop() {
        for (auto* handle :
             {reinterpret_cast<uv_handle_t*>(&poll_), reinterpret_cast<uv_handle_t*>(&patience_)}) {
            if (::uv_is_closing(handle) == 0) {
                ::uv_close(handle, nullptr);
            }
        }
    }

    Channel& channel_;
    uv_loop_t loop_{};
    uv_poll_t poll_{};
    uv_timer_t patience_{};
    std::array<int, kProducers> next_{};
    int received_ = 0;
    int wake_ups_ = 0;
};

class UvPollTest : public testing::EntriesBalance,
                   public ::testing::WithParamInterface<WakeKind> {};

INSTANTIATE_TEST_SUITE_P(, UvPollTest, testing::every_wake_kind(), testing::wake_kind_name);

TEST_P(UvPollTest, consumes_what_many_threads_push) {
    Channel channel(GetParam());
    UvConsumer consumer(channel);
    std::atomic<int> unfinished{kProducers};
    std::atomic<int> left{0};
    std::vector<std::thread> producers;
    for (int producer = 0; producer < kProducers; ++producer) {
        producers.emplace_back([&, producer] {
            for (int i = 0; i < kEach; ++i) {
                EntryPtr entry = make_entry(i, producer);
                ASSERT_TRUE(channel.push(entry));
                if (i % 100 == 0) {
                    std::this_thread::yield();
                }
            }
            if (unfinished.fetch_sub(1) == 1) {
                left = static_cast<int>(testing::numbers_of(channel.close()).size());
            }
        });
    }
    consumer.run();
    for (std::thread& producer : producers) {
        producer.join();
    }
    EXPECT_EQ(consumer.received() + left, kProducers * kEach);
    RecordProperty("wake_ups", consumer.wake_ups());
}

TEST_P(UvPollTest, a_burst_pushed_while_the_loop_sleeps_is_one_wake_up) {
    Channel channel(GetParam());
    UvConsumer consumer(channel);
    for (int i = 0; i < 1000; ++i) {
        EntryPtr entry = make_entry(i);
        ASSERT_TRUE(channel.push(entry));
    }
    consumer.run_once();
    EXPECT_EQ(consumer.received(), 1000);
    EXPECT_EQ(consumer.wake_ups(), 1);
    channel.close();
    consumer.run();
    EXPECT_EQ(consumer.wake_ups(), 2);
}

TEST_P(UvPollTest, several_loops_each_consume_their_own_channel) {
    constexpr int kLoops = 3;
    std::vector<std::unique_ptr<Channel>> channels;
    std::vector<std::unique_ptr<UvConsumer>> consumers;
    std::vector<std::thread> loops;
    for (int i = 0; i < kLoops; ++i) {
        channels.push_back(std::make_unique<Channel>(GetParam()));
        consumers.push_back(std::make_unique<UvConsumer>(*channels.back()));
        loops.emplace_back([consumer = consumers.back().get()] { consumer->run(); });
    }
    int ended = 0;
    for (int i = 0; i < kEach; ++i) {
        for (const auto& channel : channels) {
            EntryPtr entry = make_entry(i);
            ASSERT_TRUE(channel->push(entry));
        }
    }
    for (const auto& channel : channels) {
        ended += static_cast<int>(testing::numbers_of(channel->close()).size());
    }
    for (std::thread& loop : loops) {
        loop.join();
    }
    for (const auto& consumer : consumers) {
        ended += consumer->received();
    }
    EXPECT_EQ(ended, kLoops * kEach);
}

}  // namespace
}  // namespace loop_bridge
