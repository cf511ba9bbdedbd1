// SPDX-License-Identifier: Apache-2.0
#include "nif/interpreter/python_config.h"

#include <dlfcn.h>

#include <cstdlib>

#include "nif/module/erlang_module.h"

namespace nif {

namespace {

// Extension modules look up CPython's functions among the global symbols of the process. The BEAM
// has loaded libpython only as a dependency of the NIF, so its symbols are not global yet.
void publish_libpython() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&Py_IsInitialized), &info) != 0) {
        dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL);
    }
}

// The scripts and programs that start the BEAM change these variables. The launcher of erlpy has
// saved them.
void restore_environment() {
    if (std::getenv("ERLPY_PATH") == nullptr) return;
    for (const std::string name :
         {"PATH", "ROOTDIR", "BINDIR", "EMU", "PROGNAME", "PWD", "OLDPWD", "SHLVL", "_"}) {
        const std::string kept = "ERLPY_" + name;
        if (const char* value = std::getenv(kept.c_str())) {
            setenv(name.c_str(), value, 1);
            unsetenv(kept.c_str());
        } else {
            unsetenv(name.c_str());
        }
    }
}

// Owns a PyConfig and its strings for a scope.
class Config {
public:
    Config() { PyConfig_InitPythonConfig(&config_); }
    ~Config() { PyConfig_Clear(&config_); }
    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;
    PyConfig* operator->() noexcept { return &config_; }
    PyConfig* get() noexcept { return &config_; }

private:
    PyConfig config_{};
};

std::optional<std::wstring> text(const wchar_t* value) {
    if (value == nullptr) return std::nullopt;
    return std::wstring{value};
}

StartResult failure(const PyStatus& status) {
    StartResult result;
    if (PyStatus_IsExit(status) != 0) {
        result.exit_code = status.exitcode;
    } else {
        result.error = status.func == nullptr ? "" : std::string{status.func} + ": ";
        result.error += status.err_msg == nullptr ? "unknown error" : status.err_msg;
    }
    return result;
}

PyStatus configure(Config& config, const InterpreterOptions& options,
                   const std::vector<char*>& arguments) {
    // The BEAM keeps its signal handlers, except for a main program: main_signals.h.
    config->install_signal_handlers = options.main_program ? 1 : 0;
    config->parse_argv = options.main_program ? 1 : 0;
    PyStatus status = PyConfig_SetBytesArgv(config.get(), static_cast<Py_ssize_t>(arguments.size()),
                                            arguments.data());
    if (PyStatus_Exception(status) != 0) return status;
    if (!options.executable.empty()) {
        status =
            PyConfig_SetBytesString(config.get(), &config->executable, options.executable.c_str());
        if (PyStatus_Exception(status) != 0) return status;
        // CPython looks for a venv beside the program name.
        status = PyConfig_SetBytesString(config.get(), &config->program_name,
                                         options.executable.c_str());
    }
    return status;
}

// Parses the command line into a configuration of its own, not into the one that starts Python.
// CPython 3.11 copies a configuration that was read before, and then loses -X
// warn_default_encoding.
PyStatus read_program(const InterpreterOptions& options, const std::vector<char*>& arguments,
                      MainProgram& program) {
    Config config;
    PyStatus status = configure(config, options, arguments);
    if (PyStatus_Exception(status) == 0) status = PyConfig_Read(config.get());
    if (PyStatus_Exception(status) != 0) return status;
    program = {.command = text(config->run_command),
               .module = text(config->run_module),
               .filename = text(config->run_filename),
               .skip_first_line = config->skip_source_first_line != 0};
    return status;
}

}  // namespace

StartResult start_python(const InterpreterOptions& options) {
#ifdef Py_GIL_DISABLED
    return {{},
            {},
            "this CPython is free-threaded (built without the GIL); erlang_python does not "
            "support that yet: build erlang_python for a CPython with the GIL"};
#endif
    publish_libpython();
    if (PyImport_AppendInittab("_erlang", &init_erlang_module) != 0) {
        return {{}, {}, "no memory for the table of builtin modules"};
    }
    if (options.main_program) restore_environment();
    std::vector<char*> arguments;
    for (const auto& argument : options.argv) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    PyPreConfig preconfig;
    PyPreConfig_InitPythonConfig(&preconfig);
    PyStatus status =
        options.main_program
            ? Py_PreInitializeFromBytesArgs(&preconfig, static_cast<Py_ssize_t>(arguments.size()),
                                            arguments.data())
            : Py_PreInitialize(&preconfig);
    if (PyStatus_Exception(status) != 0) return failure(status);

    StartResult result;
    if (options.main_program) status = read_program(options, arguments, result.program);
    if (PyStatus_Exception(status) != 0) return failure(status);
    Config config;
    status = configure(config, options, arguments);
    if (PyStatus_Exception(status) != 0) return failure(status);
    status = Py_InitializeFromConfig(config.get());
    if (PyStatus_Exception(status) != 0) return failure(status);
    return result;
}

}  // namespace nif
