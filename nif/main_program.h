// SPDX-License-Identifier: Apache-2.0
// main_program.h: runs the main program of a Python command line, as python3 does, except that the
// interpreter stays. It is called from here and not from Python so that a program finds nothing of
// ours below its own frames.
// Threads: Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "loop_bridge/python/gil.h"

namespace nif {

// What the command line asks for, as CPython itself has read it: -c, -m, a script, or none.
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

// Returns the exit code, or the negative number of the signal by which python3 would end. In a fork
// of the node it does not return.
int run_main_program(loop_bridge::Gil gil, const MainProgram& program) noexcept;

}  // namespace nif
