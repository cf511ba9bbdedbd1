// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/wake_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/cpp/support/descriptors.h"
#include "tests/cpp/support/wake_kinds.h"

namespace loop_bridge {
namespace {

using testing::count_open_descriptors;
using testing::kPatience;
using testing::readable;

class WakeFdTest : public ::testing::TestWithParam<WakeKind> {
protected:
    std::unique_ptr<WakeFd> wake_fd_ = make_wake_fd(GetParam());
};

INSTANTIATE_TEST_SUITE_P(, WakeFdTest, testing::every_wake_kind(), testing::wake_kind_name);

TEST_P(WakeFdTest, is_not_readable_at_first) { EXPECT_FALSE(readable(wake_fd_->fd())); }

TEST_P(WakeFdTest, wake_makes_it_readable) {
    wake_fd_->wake();
    EXPECT_TRUE(readable(wake_fd_->fd()));
}

TEST_P(WakeFdTest, stays_readable_until_cleared) {
    wake_fd_->wake();
    EXPECT_TRUE(readable(wake_fd_->fd()));
    EXPECT_TRUE(readable(wake_fd_->fd()));
    wake_fd_->clear();
    EXPECT_FALSE(readable(wake_fd_->fd()));
}

TEST_P(WakeFdTest, one_clear_takes_every_wake) {
    // More wakes than a pipe holds. Writes to the full pipe must not block or fail.
    for (int i = 0; i < 100'000; ++i) {
        wake_fd_->wake();
    }
    EXPECT_TRUE(readable(wake_fd_->fd()));
    wake_fd_->clear();
    EXPECT_FALSE(readable(wake_fd_->fd()));
}

TEST_P(WakeFdTest, clear_without_wake_returns) {
    wake_fd_->clear();
    EXPECT_FALSE(readable(wake_fd_->fd()));
}

TEST_P(WakeFdTest, wakes_again_after_clear) {
    for (int i = 0; i < 1000; ++i) {
        wake_fd_->wake();
        ASSERT_TRUE(readable(wake_fd_->fd()));
        wake_fd_->clear();
        ASSERT_FALSE(readable(wake_fd_->fd()));
    }
}

TEST_P(WakeFdTest, wakes_a_sleeping_thread) {
    std::thread waker([this] { wake_fd_->wake(); });
    EXPECT_TRUE(readable(wake_fd_->fd(), kPatience));
    waker.join();
}

TEST_P(WakeFdTest, many_threads_may_wake_at_once) {
    std::vector<std::thread> wakers;
    for (int i = 0; i < 4; ++i) {
        wakers.emplace_back([this] {
            for (int k = 0; k < 5000; ++k) {
                wake_fd_->wake();
            }
        });
    }
    for (int i = 0; i < 100; ++i) {
        wake_fd_->clear();
    }
    for (std::thread& waker : wakers) {
        waker.join();
    }
    wake_fd_->wake();
    EXPECT_TRUE(readable(wake_fd_->fd()));
    wake_fd_->clear();
    EXPECT_FALSE(readable(wake_fd_->fd()));
}

TEST_P(WakeFdTest, is_nonblocking_and_not_inherited) {
    EXPECT_TRUE(::fcntl(wake_fd_->fd(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(::fcntl(wake_fd_->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_P(WakeFdTest, descriptors_are_flat_over_many_lives) {
    const auto before = count_open_descriptors();
    for (int i = 0; i < 2000; ++i) {
        make_wake_fd(GetParam())->wake();
    }
    EXPECT_EQ(count_open_descriptors(), before);
}

}  // namespace
}  // namespace loop_bridge
