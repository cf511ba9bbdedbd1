// SPDX-License-Identifier: Apache-2.0
// nif_arguments.h: arguments of py_nif that have a form of their own.
// Threads: scheduler threads.
#pragma once

#include <cstdint>

#include "loop_bridge/wake_fd.h"
#include "nif/beam/binaries.h"
#include "nif/beam/nif_argument.h"
#include "nif/interpreter/python_config.h"

namespace nif {

// py_nif:start_options().
struct StartOptions {
    InterpreterOptions interpreter;
    loop_bridge::WakeKind channel;
    std::int64_t spin_microseconds;
    std::uint64_t max_in_flight;
    ERL_NIF_TERM none;  // an atom
    Binaries binaries;
};

template <>
struct Argument<StartOptions> {
    static StartOptions read(const GivenArgument& given);
};

}  // namespace nif
