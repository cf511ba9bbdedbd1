// SPDX-License-Identifier: Apache-2.0
// python_config.h: brings CPython up in this process, and runs the main program of a command line.
// Threads: the thread that is to be Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "loop_bridge/python/gil.h"

namespace nif {

struct InterpreterOptions;

// What the command line asks for, as CPython itself has read it: -c, -m, a script, or none.
struct MainProgram {
    std::optional<std::wstring> command;
    std::optional<std::wstring> module;
    std::optional<std::wstring> filename;
    bool inspect = false;      // -i: a prompt afterwards
    bool interactive = false;  // -i: a prompt even when standard input is no terminal
};

struct StartResult {
    MainProgram program;
    std::optional<int> exit_code;  // the command line was for --version, --help and the like
    std::string error;             // empty: Python runs, and this thread holds the GIL
};

StartResult start_python(const InterpreterOptions& options);

// Returns the exit code.
int run_main_program(loop_bridge::Gil gil, const MainProgram& program) noexcept;

}  // namespace nif
