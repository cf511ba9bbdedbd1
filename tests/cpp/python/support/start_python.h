// SPDX-License-Identifier: Apache-2.0
// start_python.h: starts the interpreter of the build, for programs that stand outside any node.
#pragma once

#include <Python.h>

namespace loop_bridge {

// The calling thread holds the GIL then. Ends the program when there is nothing to be started.
inline void start_python() {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyStatus status = PyConfig_SetBytesString(&config, &config.executable, CHOSEN_PYTHON);
    if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) Py_ExitStatusException(status);
}

}  // namespace loop_bridge
