// SPDX-License-Identifier: Apache-2.0
// descriptors.h: what tests check of file descriptors.
#pragma once

#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <iterator>

namespace loop_bridge::testing {

// Far longer than working code needs; code that hangs fails by this limit.
inline constexpr std::chrono::seconds kPatience{30};

inline bool readable(int fd, std::chrono::milliseconds patience = std::chrono::milliseconds(0)) {
    pollfd watched{fd, POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(patience.count())) == 1;
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

inline auto count_open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/dev/fd"),
                         std::filesystem::directory_iterator());
}

}  // namespace loop_bridge::testing
