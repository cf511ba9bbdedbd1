// SPDX-License-Identifier: Apache-2.0
// start_python.h: starts the build's interpreter, for programs outside of any node.
#pragma once

#include <Python.h>

namespace loop_bridge {

// Afterwards the calling thread holds the GIL. Ends the program when the start fails.
inline void start_python() {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyStatus status = PyConfig_SetBytesString(&config, &config.executable, CHOSEN_PYTHON);
    if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) Py_ExitStatusException(status);
}

}  // namespace loop_bridge
