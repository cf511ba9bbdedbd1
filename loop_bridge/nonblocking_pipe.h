// SPDX-License-Identifier: Apache-2.0
// nonblocking_pipe.h: a pipe with two non-blocking ends that child programs do not inherit.
// Threads: any.
#pragma once

#include "loop_bridge/unique_fd.h"

namespace loop_bridge {

struct NonblockingPipe {
    UniqueFd read_end;
    UniqueFd write_end;
};

// Throws std::system_error.
NonblockingPipe open_nonblocking_pipe();

}  // namespace loop_bridge
