// SPDX-License-Identifier: Apache-2.0
// For platforms without eventfd; their channels are pipes.
#include <cerrno>
#include <system_error>

#include "loop_bridge/wake_fd.h"

namespace loop_bridge {

std::unique_ptr<WakeFd> make_eventfd_wake_fd() {
    throw std::system_error(ENOTSUP, std::generic_category(), "eventfd");
}

}  // namespace loop_bridge
