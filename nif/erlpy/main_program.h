// SPDX-License-Identifier: Apache-2.0
// main_program.h: runs the main program of a Python command line, as python3 does, except that the
// interpreter stays. erlang._erlpy decides what to run, and C++ runs it. So no frame of ours is
// below the program's own frames.
// Threads: Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "loop_bridge/python/gil.h"
#include "nif/erlpy/main_ending.h"

namespace nif {

// The command line, as CPython itself has parsed it: -c, -m, a script, or none of them. sys.flags
// has the other options.
struct MainProgram {
    std::optional<std::wstring> command;
    std::optional<std::wstring> module;
    std::optional<std::wstring> filename;
    bool skip_first_line = false;  // -x
};

// Puts the folder of the program's modules on sys.path. Hosted loops may start before the program.
// Throws PyError only for a Ctrl-C.
void set_first_path(loop_bridge::Gil gil, const MainProgram& program);

// Returns the exit code. A negative result is the signal that would end python3. Does not return in
// a fork of the node.
int run_main_program(loop_bridge::Gil gil, const MainProgram& program,
                     const EndLoops& end_loops) noexcept;

}  // namespace nif
