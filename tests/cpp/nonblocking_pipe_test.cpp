// SPDX-License-Identifier: Apache-2.0
// Built once for each way to open a pipe, the one that this platform does not use included.
#include "loop_bridge/nonblocking_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <exception>
#include <system_error>

#include "tests/cpp/support/descriptors.h"

namespace loop_bridge {
namespace {

// Clang's checks of virtual calls open descriptors themselves and report what they can't look at.
#if defined(__has_feature)
constexpr bool kDescriptorsMayRunOut = !__has_feature(undefined_behavior_sanitizer);
#else
constexpr bool kDescriptorsMayRunOut = true;
#endif

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
    if (!kDescriptorsMayRunOut) {
        GTEST_SKIP() << "this sanitizer needs descriptors of its own";
    }
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::exception_ptr failure;
    try {
        open_nonblocking_pipe();
    } catch (...) {
        failure = std::current_exception();
    }
    // Before anything looks at the exception: UBSan does so through a pipe of its own.
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_TRUE(failure) << "opened a pipe beyond the limit";
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EMFILE);
    }
}

}  // namespace
}  // namespace loop_bridge
