// SPDX-License-Identifier: Apache-2.0
// main_program.h: runs the main program of a Python command line, as python3 does, except that the
// interpreter stays. C++ runs the program, not Python, so that no frame of ours is below the
// program's own frames.
// Threads: Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "loop_bridge/python/gil.h"
#include "nif/erlpy/main_ending.h"

namespace nif {

// The command line, as CPython itself has parsed it: -c, -m, a script, or none of them.
struct MainProgram {
    std::optional<std::wstring> command;
    std::optional<std::wstring> module;
    std::optional<std::wstring> filename;
    bool inspect = false;          // -i: a prompt afterwards
    bool interactive = false;      // -i: a prompt even when standard input is no terminal
    bool quiet = false;            // -q: no greeting
    bool verbose = false;          // -v: a greeting in any case
    bool skip_first_line = false;  // -x
    bool environment = true;       // not -E or -I
    bool readline = true;          // not -I
};

// Returns the exit code. A negative result is the signal that would end python3. Does not return in
// a fork of the node.
int run_main_program(loop_bridge::Gil gil, const MainProgram& program,
                     const EndLoops& end_loops) noexcept;

}  // namespace nif
