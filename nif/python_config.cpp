// SPDX-License-Identifier: Apache-2.0
#include "nif/python_config.h"

#include <dlfcn.h>

#include <vector>

#include "loop_bridge/python/py_ref.h"
#include "nif/erlang_module.h"
#include "nif/interpreter.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// Extension modules take CPython's functions from the process's global symbols, but the BEAM has
// loaded libpython, as a dependency of the NIF, for the NIF alone.
void publish_libpython() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&Py_IsInitialized), &info) != 0) {
        dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL);
    }
}

// PyConfig and its strings for a scope.
class Config {
public:
    Config() { PyConfig_InitPythonConfig(&config_); }
    ~Config() { PyConfig_Clear(&config_); }
    Config(const Config&) = delete;
    Config& operator=(const Config&) = delete;
    PyConfig* operator->() noexcept { return &config_; }
    PyConfig* get() noexcept { return &config_; }

private:
    PyConfig config_;
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
                   std::vector<char*>& arguments) {
    config->install_signal_handlers = 0;  // signals stay the BEAM's
    config->parse_argv = options.main_program ? 1 : 0;
    PyStatus status = PyConfig_SetBytesArgv(config.get(), static_cast<Py_ssize_t>(arguments.size()),
                                            arguments.data());
    if (PyStatus_Exception(status) != 0) return status;
    if (!options.executable.empty()) {
        status =
            PyConfig_SetBytesString(config.get(), &config->executable, options.executable.c_str());
        if (PyStatus_Exception(status) != 0) return status;
        // Python derives its folders from the program name when it looks for a venv.
        status = PyConfig_SetBytesString(config.get(), &config->program_name,
                                         options.executable.c_str());
        if (PyStatus_Exception(status) != 0) return status;
    }
    return PyConfig_Read(config.get());
}

}  // namespace

StartResult start_python(const InterpreterOptions& options) {
    publish_libpython();
    if (PyImport_AppendInittab("_erlang", &init_erlang_module) != 0) {
        return {{}, {}, "no memory for the table of builtin modules"};
    }
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

    Config config;
    status = configure(config, options, arguments);
    if (PyStatus_Exception(status) != 0) return failure(status);
    StartResult result;
    result.program = {.command = text(config->run_command),
                      .module = text(config->run_module),
                      .filename = text(config->run_filename),
                      .inspect = config->inspect != 0,
                      .interactive = config->interactive != 0};
    status = Py_InitializeFromConfig(config.get());
    if (PyStatus_Exception(status) != 0) return failure(status);
    return result;
}

int run_main_program(Gil gil, const MainProgram& program) noexcept {
    const auto to_object = [](const std::optional<std::wstring>& value) {
        if (!value) return PyRef::borrow(Py_None);
        return PyRef::steal(
            PyUnicode_FromWideChar(value->data(), static_cast<Py_ssize_t>(value->size())));
    };
    try {
        const PyRef runner = PyRef::steal(PyImport_ImportModule("erlang._main"));
        const PyRef code = PyRef::steal(
            PyObject_CallMethod(runner.get(), "run", "OOOii", to_object(program.command).get(),
                                to_object(program.module).get(), to_object(program.filename).get(),
                                program.inspect ? 1 : 0, program.interactive ? 1 : 0));
        const long value = PyLong_AsLong(code.get());
        if (value == -1 && PyErr_Occurred() != nullptr) throw PyError{};
        return static_cast<int>(value);
    } catch (const PyError&) {
        // erlang._main reports what the program raises; only a defect of its own comes here.
        PyErr_Print();
        static_cast<void>(gil);
        return 1;
    }
}

}  // namespace nif
