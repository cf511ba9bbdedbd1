// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/thread_clock.h"

namespace nif {

std::optional<long> clock_of_this_thread() noexcept { return std::nullopt; }

}  // namespace nif
