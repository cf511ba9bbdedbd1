// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <ctime>

#include "nif/interruption/thread_clock.h"

namespace nif {

std::optional<long> clock_of_this_thread() noexcept {
    clockid_t clock{};
    if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return std::nullopt;
    return clock;
}

}  // namespace nif
