// SPDX-License-Identifier: Apache-2.0
// bridge.h: the settings and live counts of this node's bridge, and its coordinator process.
// Threads: any; nothing blocks for long.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <chrono>
#include <optional>

#include "loop_bridge/call_meter.h"
#include "loop_bridge/wake_fd.h"
#include "nif/beam/binaries.h"
#include "nif/beam/term_env.h"

namespace nif {

class Bridge {
public:
    // The instance of the process. Never destroyed, because threads may outlive exit handlers.
    static Bridge& instance() noexcept;

    loop_bridge::CallMeter meter;
    std::atomic<loop_bridge::WakeKind> wake_kind{loop_bridge::WakeKind::kEventFd};
    std::atomic<std::int64_t> spin_microseconds{20};
    // What binaries become in Python if neither the call nor the function chooses.
    std::atomic<Binaries> binaries{Binaries::kText};
    // Live objects, for stats() and for tests that assert a balance.
    std::atomic<std::int64_t> channels{0};
    std::atomic<std::int64_t> contexts{0};
    std::atomic<std::int64_t> loops{0};
    std::atomic<unsigned> application_epoch{0};  // how often the application was started
    // Whether a request was ever nested. Until then no call looks for its ancestors.
    std::atomic<bool> nested_requests{false};

    std::chrono::microseconds max_spin() const noexcept {
        return std::chrono::microseconds{spin_microseconds.load(std::memory_order_relaxed)};
    }

    void set_coordinator(const ErlNifPid& pid) noexcept;
    std::optional<ErlNifPid> coordinator() noexcept;
    // Sends from a Python thread to the coordinator. False if there is no living coordinator.
    bool tell_coordinator(TermEnv env, ERL_NIF_TERM message) noexcept;

private:
    Bridge();
    ErlNifMutex* mutex_;  // guards coordinator_
    std::optional<ErlNifPid> coordinator_;
};

}  // namespace nif
