// SPDX-License-Identifier: Apache-2.0
// Built once for each way to open a pipe, also the way that this platform does not use.
#include "loop_bridge/nonblocking_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <system_error>

#include "tests/cpp/support/descriptors.h"

namespace loop_bridge {
namespace {

TEST(NonblockingPipe, both_ends_are_nonblocking_and_not_inherited) {
    const NonblockingPipe pipe = open_nonblocking_pipe();
    for (const int fd : {pipe.read_end.get(), pipe.write_end.get()}) {
        EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
}

TEST(NonblockingPipe, carries_a_byte) {
    const NonblockingPipe pipe = open_nonblocking_pipe();
    EXPECT_FALSE(testing::readable(pipe.read_end.get()));
    ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
    EXPECT_TRUE(testing::readable(pipe.read_end.get()));
}

TEST(NonblockingPipe, throws_when_descriptors_run_out) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    try {
        open_nonblocking_pipe();
        ADD_FAILURE() << "opened a pipe beyond the limit";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EMFILE);
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace loop_bridge
