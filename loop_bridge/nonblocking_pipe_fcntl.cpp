// SPDX-License-Identifier: Apache-2.0
// For platforms without pipe2 (macOS). A fork on another thread between pipe() and fcntl() can
// inherit the descriptors. There is nothing better on these platforms.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "loop_bridge/nonblocking_pipe.h"

namespace loop_bridge {

namespace {

void set_flags(const UniqueFd& fd) {
    const int status = ::fcntl(fd.get(), F_GETFL);
    if (status < 0 || ::fcntl(fd.get(), F_SETFL, status | O_NONBLOCK) < 0 ||
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0) {
        throw std::system_error(errno, std::generic_category(), "fcntl");
    }
}

}  // namespace

NonblockingPipe open_nonblocking_pipe() {
    std::array<int, 2> fds{};
    if (::pipe(fds.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    NonblockingPipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
    set_flags(pipe.read_end);
    set_flags(pipe.write_end);
    return pipe;
}

}  // namespace loop_bridge
