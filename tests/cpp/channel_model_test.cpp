// SPDX-License-Identifier: Apache-2.0
// Every interleaving, up to a length, of producers, a closer and a consumer that follows the round
// of channel.h. Each operation of the queue is one atomic step, so sequences of steps cover all
// that threads can do. A push that wakes is two steps, since the descriptor is written later.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "loop_bridge/channel.h"
#include "tests/cpp/support/counted_entry.h"

namespace loop_bridge {
namespace {

using testing::make_entry;

// A descriptor whose writes arrive when the test says so.
class LateWakeFd final : public WakeFd {
public:
    int fd() const noexcept override { return -1; }
    void wake() noexcept override { ++under_way; }
    void clear() noexcept override { readable = false; }

    void deliver_one() {
        if (under_way > 0) {
            --under_way;
            readable = true;
        }
    }

    int under_way = 0;
    bool readable = false;
};

class Model {
public:
    static constexpr std::array<char, 5> kSteps{'p', 'd', 'c', 'w', 'x'};

    void run(char step) {
        switch (step) {
            case 'p':
                push();
                break;
            case 'd':
                wake_fd_->deliver_one();
                break;
            case 'c':
                consumer_step();
                break;
            case 'w':
                channel_.wake();
                break;
            default:
                left_ += drop(channel_.close());
                closed_ = true;
        }
    }

    // All others stop, pending writes arrive, and the consumer goes on until it sleeps.
    void settle() {
        while (wake_fd_->under_way > 0) {
            wake_fd_->deliver_one();
        }
        for (int i = 0; i < 10; ++i) {
            consumer_step();
        }
    }

    void check(const std::string& steps) const {
        ASSERT_EQ(taken_ + left_, accepted_) << steps;
        ASSERT_EQ(channel_.closed(), closed_) << "reopened: " << steps;
        ASSERT_EQ(asleep_, !closed_) << "awake without end, or asleep for good: " << steps;
        ASSERT_FALSE(asleep_ && channel_.has_entries()) << "slept through an entry: " << steps;
        ASSERT_EQ(ended_, closed_) << "slept through close: " << steps;
    }

private:
    enum class Next { kClear, kTake, kArm };

    void push() {
        EntryPtr entry = make_entry(accepted_);
        if (channel_.push(entry)) {
            ++accepted_;
        }
        ASSERT_EQ(entry == nullptr, !channel_.closed());
    }

    void consumer_step() {
        if (ended_ || (asleep_ && !wake_fd_->readable)) {
            return;
        }
        asleep_ = false;
        switch (next_) {
            case Next::kClear:
                channel_.clear_wake();
                next_ = Next::kTake;
                break;
            case Next::kTake:
                taken_ += drop(channel_.take_all());
                next_ = Next::kArm;
                break;
            case Next::kArm:
                asleep_ = channel_.arm();
                ended_ = !asleep_ && channel_.closed();
                next_ = asleep_ ? Next::kClear : Next::kTake;
        }
    }

    static int drop(EntryList list) {
        return static_cast<int>(testing::numbers_of(std::move(list)).size());
    }

    LateWakeFd* wake_fd_ = new LateWakeFd;
    Channel channel_{std::unique_ptr<WakeFd>(wake_fd_)};
    Next next_ = Next::kArm;
    bool asleep_ = false;
    bool ended_ = false;
    bool closed_ = false;
    int accepted_ = 0;
    int taken_ = 0;
    int left_ = 0;
};

void explore(std::string& steps, std::size_t length) {
    if (steps.size() == length) {
        Model model;
        for (const char step : steps) {
            model.run(step);
        }
        model.settle();
        model.check(steps);
        return;
    }
    for (const char step : Model::kSteps) {
        steps.push_back(step);
        explore(steps, length);
        steps.pop_back();
        if (::testing::Test::HasFatalFailure()) {
            return;
        }
    }
}

class ChannelModelTest : public testing::EntriesBalance {};

TEST_F(ChannelModelTest, no_interleaving_loses_an_entry_a_wake_up_or_a_close) {
    constexpr std::size_t kLength = 7;
    std::string steps;
    explore(steps, kLength);
}

}  // namespace
}  // namespace loop_bridge
