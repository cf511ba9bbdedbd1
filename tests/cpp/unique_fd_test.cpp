// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "tests/cpp/support/descriptors.h"

namespace loop_bridge {
namespace {

using testing::is_open;

UniqueFd open_something() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(UniqueFd, destructor_closes) {
    int fd = -1;
    {
        const UniqueFd owner = open_something();
        fd = owner.get();
        ASSERT_TRUE(is_open(fd));
    }
    EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, default_owns_nothing) {
    const UniqueFd owner;
    EXPECT_FALSE(owner);
    EXPECT_LT(owner.get(), 0);
}

TEST(UniqueFd, moving_moves_the_ownership) {
    UniqueFd first = open_something();
    const int fd = first.get();
    UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), fd);
    UniqueFd third = open_something();
    const int replaced = third.get();
    third = std::move(second);
    EXPECT_EQ(third.get(), fd);
    EXPECT_TRUE(is_open(fd));
    EXPECT_FALSE(is_open(replaced));
}

TEST(UniqueFd, moving_onto_itself_keeps_the_descriptor) {
    UniqueFd owner = open_something();
    const int fd = owner.get();
    UniqueFd& same = owner;
    owner = std::move(same);
    EXPECT_EQ(owner.get(), fd);
    EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, released_descriptor_stays_open) {
    UniqueFd owner = open_something();
    const int fd = owner.release();
    EXPECT_FALSE(owner);
    EXPECT_TRUE(is_open(fd));
    const UniqueFd closes_it(fd);
}

TEST(UniqueFd, is_not_copyable) {
    static_assert(!std::is_copy_constructible_v<UniqueFd>);
    static_assert(!std::is_copy_assignable_v<UniqueFd>);
}

}  // namespace
}  // namespace loop_bridge
