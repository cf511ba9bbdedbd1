// SPDX-License-Identifier: Apache-2.0
// wake_kinds.h: runs one test body for every kind of wake descriptor that this platform has.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

#include "loop_bridge/wake_fd.h"

namespace loop_bridge::testing {

inline auto every_wake_kind() {
    std::vector<WakeKind> kinds{WakeKind::kPipe};
    try {
        make_wake_fd(WakeKind::kEventFd);
        kinds.push_back(WakeKind::kEventFd);
    } catch (const std::system_error&) {
        // This platform has no eventfd.
    }
    return ::testing::ValuesIn(kinds);
}

inline std::string wake_kind_name(const ::testing::TestParamInfo<WakeKind>& info) {
    return info.param == WakeKind::kPipe ? "pipe" : "eventfd";
}

}  // namespace loop_bridge::testing
