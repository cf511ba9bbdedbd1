// SPDX-License-Identifier: Apache-2.0
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "loop_bridge/unique_fd.h"
#include "loop_bridge/wake_fd.h"

namespace loop_bridge {

namespace {

class EventFdWakeFd final : public WakeFd {
public:
    explicit EventFdWakeFd(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

    int fd() const noexcept override { return fd_.get(); }

    void wake() noexcept override {
        const std::uint64_t one = 1;
        // EAGAIN: the counter is full, so the descriptor is readable already.
        while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
        }
    }

    void clear() noexcept override {
        std::uint64_t count = 0;
        // One read takes the whole counter; EAGAIN: there was nothing to clear.
        while (::read(fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
        }
    }

private:
    UniqueFd fd_;
};

}  // namespace

std::unique_ptr<WakeFd> make_eventfd_wake_fd() {
    UniqueFd fd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (!fd) throw std::system_error(errno, std::generic_category(), "eventfd");
    return std::make_unique<EventFdWakeFd>(std::move(fd));
}

}  // namespace loop_bridge
