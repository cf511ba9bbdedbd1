// SPDX-License-Identifier: Apache-2.0
#include "nif/erlpy/signal_nudger.h"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "loop_bridge/wake_fd.h"
#include "nif/node/bridge.h"
#include "nif/node/native_thread.h"

namespace nif {

using loop_bridge::WakeFd;
using std::chrono::milliseconds;

namespace {

// Nudges do not help a main thread that is busy in C code for long, so their pause grows.
constexpr milliseconds kFirstPause{10};
constexpr milliseconds kLongestPause{1000};

// Constant initialisation and no destructors: handlers may run at any time, even at the node's end.
struct State {
    std::atomic<WakeFd*> wake{nullptr};
    pthread_t main_thread{};
    std::atomic<std::uint32_t> unnoticed{0};  // a bit for each signal
};
constinit State state;

constexpr std::uint32_t bit(int number) noexcept { return std::uint32_t{1} << number; }

bool nudging_is_ours() noexcept {
    struct sigaction action {};
    return sigaction(SignalNudger::kSignal, nullptr, &action) == 0 &&
           action.sa_handler == SignalNudger::ignore;
}

void wait_for_signal(WakeFd& wake, int limit_ms) noexcept {
    pollfd watched{wake.fd(), POLLIN, 0};
    ::poll(&watched, 1, limit_ms);
    wake.clear();
}

void run(WakeFd& wake) noexcept {
    for (milliseconds pause = kFirstPause;;) {
        if (state.unnoticed == 0) {
            wait_for_signal(wake, -1);
            pause = kFirstPause;
        } else {
            wait_for_signal(wake, static_cast<int>(pause.count()));
            pause = std::min(2 * pause, kLongestPause);
        }
        // Python notices most signals at once, and a timer may send thousands in a second.
        std::this_thread::sleep_for(kFirstPause);
        if (state.unnoticed != 0 && nudging_is_ours()) {
            pthread_kill(state.main_thread, SignalNudger::kSignal);
        }
    }
}

}  // namespace

void SignalNudger::ignore(int) noexcept {}

void SignalNudger::start() {
    state.main_thread = pthread_self();
    WakeFd* wake = loop_bridge::make_wake_fd(Bridge::instance().wake_kind.load()).release();
    state.wake = wake;
    start_native_thread("py-signals", [wake] { run(*wake); });
}

void SignalNudger::arrived(int number) noexcept {
    state.unnoticed |= bit(number);
    if (WakeFd* wake = state.wake.load()) wake->wake();
}

void SignalNudger::noticed(int number) noexcept { state.unnoticed &= ~bit(number); }

}  // namespace nif
