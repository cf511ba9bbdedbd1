// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "loop_bridge/nonblocking_pipe.h"
#include "loop_bridge/wake_fd.h"

namespace loop_bridge {

namespace {

class PipeWakeFd final : public WakeFd {
public:
    explicit PipeWakeFd(NonblockingPipe pipe) noexcept : pipe_(std::move(pipe)) {}

    int fd() const noexcept override { return pipe_.read_end.get(); }

    void wake() noexcept override {
        const char byte = 0;
        // EAGAIN: the pipe is full, so the descriptor is readable already.
        while (::write(pipe_.write_end.get(), &byte, 1) < 0 && errno == EINTR) {
        }
    }

    void clear() noexcept override {
        std::array<char, 256> bytes{};
        for (;;) {
            const ssize_t count = ::read(pipe_.read_end.get(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            // A short read has emptied the pipe; EAGAIN: it was empty.
            if (count < static_cast<ssize_t>(bytes.size())) return;
        }
    }

private:
    NonblockingPipe pipe_;
};

}  // namespace

std::unique_ptr<WakeFd> make_pipe_wake_fd() {
    return std::make_unique<PipeWakeFd>(open_nonblocking_pipe());
}

}  // namespace loop_bridge
