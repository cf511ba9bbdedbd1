// SPDX-License-Identifier: Apache-2.0
// fuzz_target.h: what a fuzzer is made of: one function over arbitrary bytes, and what it can use.
// The conversions of nif/, a real interpreter, the stand-in for the BEAM. A finding ends the
// process: the input is what libFuzzer, or the driver that replays, says it was.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/erlang_types.h"

namespace fuzz {

using loop_bridge::Gil;
using loop_bridge::PyRef;

struct Session {
    Gil gil;
    PyRef module;  // stands for `_erlang`
    nif::ErlangTypes types;
};

// Each fuzzer defines it. Neither a Python error nor anything else may be left afterwards.
void run(Session& session, std::span<const std::uint8_t> input);

// Ends the process when `holds` is false; `what` says which promise is broken.
void expect(bool holds, const char* what);

// Ends the process unless the pending Python error is of one of these classes; forgets it.
void expect_error(Gil gil, std::initializer_list<PyObject*> classes);

}  // namespace fuzz
