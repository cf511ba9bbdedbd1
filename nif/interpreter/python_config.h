// SPDX-License-Identifier: Apache-2.0
// python_config.h: starts CPython in this process.
// Threads: the thread that becomes Python's main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nif/erlpy/main_program.h"

namespace nif {

struct InterpreterOptions {
    std::string executable;         // determines sys.prefix, the standard library and the venv
    std::vector<std::string> path;  // folders that come first on sys.path
    std::vector<std::string> argv;  // Python's own command line, program name first
    bool main_program = false;      // argv is the command line of a main program: erlpy
};

struct StartResult {
    MainProgram program;
    std::optional<int> exit_code;  // the command line was --version, --help or the like
    std::string error;             // empty: Python runs, and this thread holds the GIL
};

StartResult start_python(const InterpreterOptions& options);

}  // namespace nif
