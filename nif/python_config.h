// SPDX-License-Identifier: Apache-2.0
// python_config.h: brings CPython up in this process.
// Threads: the thread that is to be Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "nif/main_program.h"

namespace nif {

struct InterpreterOptions;

struct StartResult {
    MainProgram program;
    std::optional<int> exit_code;  // the command line was for --version, --help and the like
    std::string error;             // empty: Python runs, and this thread holds the GIL
};

StartResult start_python(const InterpreterOptions& options);

}  // namespace nif
