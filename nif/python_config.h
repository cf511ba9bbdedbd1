// SPDX-License-Identifier: Apache-2.0
// python_config.h: starts CPython in this process.
// Threads: the thread that becomes Python's main thread.
#pragma once

#include <optional>
#include <string>

#include "nif/main_program.h"

namespace nif {

struct InterpreterOptions;

struct StartResult {
    MainProgram program;
    std::optional<int> exit_code;  // the command line was --version, --help or the like
    std::string error;             // empty: Python runs, and this thread holds the GIL
};

StartResult start_python(const InterpreterOptions& options);

}  // namespace nif
