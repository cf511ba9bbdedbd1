// SPDX-License-Identifier: Apache-2.0
// node.h: what this node's bridge is configured to do, and its one coordinator process.
// Threads: everything may be called from any thread; nothing blocks for long.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <chrono>
#include <optional>

#include "loop_bridge/call_meter.h"
#include "loop_bridge/wake_fd.h"
#include "nif/term_env.h"

namespace nif {

class Node {
public:
    // The process-wide instance; never destroyed, since threads may outlive exit handlers.
    static Node& instance() noexcept;

    loop_bridge::CallMeter meter;
    std::atomic<loop_bridge::WakeKind> wake_kind{loop_bridge::WakeKind::kEventFd};
    std::atomic<std::int64_t> spin_microseconds{20};
    // Live objects, for stats() and for tests that assert a balance.
    std::atomic<std::int64_t> channels{0};
    std::atomic<std::int64_t> contexts{0};
    std::atomic<std::int64_t> loops{0};
    std::atomic<unsigned> starts{0};  // of the application
    // A request was nested, ever: until then no call looks for what it is nested in.
    std::atomic<bool> nested_requests{false};

    std::chrono::microseconds max_spin() const noexcept {
        return std::chrono::microseconds{spin_microseconds.load(std::memory_order_relaxed)};
    }

    void set_coordinator(const ErlNifPid& pid) noexcept;
    std::optional<ErlNifPid> coordinator() noexcept;
    // Sends from a Python thread to the coordinator; false when there is none alive.
    bool tell_coordinator(TermEnv env, ERL_NIF_TERM message) noexcept;

private:
    Node();
    ErlNifMutex* mutex_;  // guards coordinator_
    std::optional<ErlNifPid> coordinator_;
};

}  // namespace nif
