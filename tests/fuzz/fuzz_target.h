// SPDX-License-Identifier: Apache-2.0
// fuzz_target.h: a fuzzer is one function over arbitrary bytes, with access to a session.
// A session has the conversions of nif/, a real interpreter and the stand-in for the BEAM. A
// finding ends the process; libFuzzer, or the driver that replays, reports the input.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/conversion/conversion_state.h"

namespace fuzz {

using loop_bridge::Gil;
using loop_bridge::PyRef;

struct Session {
    Gil gil;
    PyRef module;  // stands for `_erlang`
    nif::ConversionState conversion;
};

// Each fuzzer defines this function. It must leave no Python error and nothing else behind.
void run(Session& session, std::span<const std::uint8_t> input);

// Ends the process when `holds` is false; `what` says which promise is broken.
void expect(bool holds, const char* what);

// Ends the process unless the pending Python error is of one of these classes; clears the error.
void expect_error(Gil gil, std::initializer_list<PyObject*> classes);

}  // namespace fuzz
