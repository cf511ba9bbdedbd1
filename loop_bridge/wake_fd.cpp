// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/wake_fd.h"

namespace loop_bridge {

std::unique_ptr<WakeFd> make_wake_fd(WakeKind kind) {
    return kind == WakeKind::kPipe ? make_pipe_wake_fd() : make_eventfd_wake_fd();
}

}  // namespace loop_bridge
