// SPDX-License-Identifier: Apache-2.0
// wake_fd.h: a descriptor that becomes readable when a thread calls wake(). It carries no data.
// Threads: wake()          any thread, never blocks, merges with wake-ups not yet cleared
//          fd(), clear()   consumer; fd() stays the same for the whole life
// The platform decides which kinds exist: one file for each kind, chosen by Meson.
#pragma once

#include <memory>

namespace loop_bridge {

enum class WakeKind {
    kEventFd,  // Linux: one descriptor, one counter
    kPipe,     // everywhere: two descriptors
};

class WakeFd {
public:
    WakeFd() = default;
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;
    virtual ~WakeFd() = default;

    // Watch it for reading, level-triggered. Read it only with clear().
    virtual int fd() const noexcept = 0;
    virtual void wake() noexcept = 0;
    // Clears all wake-ups so far: not readable until the next wake().
    virtual void clear() noexcept = 0;
};

// The descriptors are non-blocking and child programs do not inherit them. Throws std::system_error
// if no descriptors are left, or for a kind that this platform lacks (ENOTSUP).
std::unique_ptr<WakeFd> make_wake_fd(WakeKind kind);

// The kinds behind make_wake_fd().
std::unique_ptr<WakeFd> make_eventfd_wake_fd();
std::unique_ptr<WakeFd> make_pipe_wake_fd();

}  // namespace loop_bridge
