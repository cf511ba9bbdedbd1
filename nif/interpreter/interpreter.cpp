// SPDX-License-Identifier: Apache-2.0
#include "nif/interpreter/interpreter.h"

#include <csignal>
#include <string>
#include <string_view>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/beam/atoms.h"
#include "nif/beam/contain.h"
#include "nif/beam/messages.h"
#include "nif/erlpy/main_signals.h"
#include "nif/interpreter/python_config.h"
#include "nif/interruption/interruptions.h"
#include "nif/module/erlang_module.h"
#include "nif/node/bridge.h"
#include "nif/node/module_state.h"
#include "nif/node/native_thread.h"
#include "nif/requests/janitor.h"

namespace nif {

using loop_bridge::BlockingWaiter;
using loop_bridge::Channel;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

void answer_exit(const ReplyTo& asker, int code) noexcept {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM answer = exit_answer(env.get(), code);
    asker.answer(nullptr, std::move(env), answer);
}

void answer_error(const ReplyTo& asker, std::string_view text) noexcept {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM answer = error_answer(env.get(), text);
    asker.answer(nullptr, std::move(env), answer);
}

// A main program to run, or, without an asker, the news that all hosted loops have ended.
struct MainJob final : loop_bridge::Entry {
    explicit MainJob(std::optional<ReplyTo> who) : asker(std::move(who)) {}
    std::optional<ReplyTo> asker;
};

// The text of a Python exception of the start-up.
std::string describe_pending_error(Gil gil) {
    PyObject* error = loop_bridge::take_error(gil);
    if (error == nullptr) return "unknown error";
    PyObject* text = PyObject_Str(error);
    const char* utf8 = text == nullptr ? nullptr : PyUnicode_AsUTF8(text);
    std::string described = Py_TYPE(error)->tp_name;
    if (utf8 != nullptr) described.append(": ").append(utf8);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(error);
    return described;
}

// Python buffers the output to a pipe or file in blocks. A node that halts never finalises Python,
// so the last lines would be lost. Line buffering prevents that.
void print_by_lines(Gil) {
    PyObject* out = PySys_GetObject("stdout");
    if (out == nullptr || out == Py_None) return;
    const PyRef function = PyRef::steal(PyObject_GetAttrString(out, "reconfigure"));
    const PyRef no_arguments = PyRef::steal(PyTuple_New(0));
    const PyRef options = PyRef::steal(Py_BuildValue("{sO}", "line_buffering", Py_True));
    PyRef::steal(PyObject_Call(function.get(), no_arguments.get(), options.get()));
}

// Puts the package's folders first on sys.path and imports the package into __main__. Imports
// `threading` before everything else, so that this thread is threading.main_thread().
PyRef import_package(Gil, const std::vector<std::string>& path) {
    PyRef::steal(PyImport_ImportModule("threading"));
    PyObject* sys_path = PySys_GetObject("path");
    Py_ssize_t place = 0;
    for (const std::string& folder : path) {
        const PyRef text = PyRef::steal(PyUnicode_DecodeFSDefault(folder.c_str()));
        if (PyList_Insert(sys_path, place++, text.get()) != 0) throw PyError{};
    }
    const PyRef package = PyRef::steal(PyImport_ImportModule("erlang"));
    const PyRef main = PyRef::steal(PyImport_ImportModule("__main__"));
    if (PyObject_SetAttrString(main.get(), "erlang", package.get()) != 0) throw PyError{};
    return PyRef::steal(PyImport_ImportModule("_erlang"));
}

}  // namespace

struct Interpreter::MainThread {
    explicit MainThread(MainProgram main) : program(std::move(main)) {}
    MainProgram program;
    Channel jobs{Bridge::instance().wake_kind.load()};
    BlockingWaiter waiter{jobs, std::chrono::microseconds{0}};

    // The jobs that have arrived; empty after a signal. Waits without the GIL.
    EntryList wait(Gil gil) {
        const loop_bridge::GilRelease released{gil};
        const WokenBySignals woken{jobs};
        static_cast<void>(waiter.wait(std::nullopt));
        return jobs.take_all();
    }

    void run(Gil gil, const ReplyTo& asker) {
        const int code = run_main_program(gil, program, [&](Gil held) {
            asker.answer(nullptr, atoms.ended);
            while (wait(held).empty()) {
                if (PyErr_CheckSignals() != 0) throw PyError{};
            }
        });
        answer_exit(asker, code);
    }
};

Interpreter& Interpreter::instance() noexcept {
    static Interpreter& interpreter = *new Interpreter;
    return interpreter;
}

void Interpreter::start(InterpreterOptions options, ReplyTo asker) {
    if (started_.exchange(true)) {
        if (module() != nullptr) {
            asker.answer(nullptr, atoms.ok);
        } else {
            answer_error(asker, "an earlier start of Python failed in this node; restart the node");
        }
        return;
    }
    auto shared = std::make_shared<std::pair<InterpreterOptions, ReplyTo>>(std::move(options),
                                                                           std::move(asker));
    try {
        start_native_thread("py-main",
                            [this, shared] { main_thread(shared->first, shared->second); });
    } catch (const std::system_error&) {
        started_ = false;
        throw;
    }
}

void Interpreter::run_main(ReplyTo asker) {
    MainThread* thread = main_thread_.load();
    if (thread == nullptr) return answer_error(asker, "Python is not running in this node");
    EntryPtr job = std::make_unique<MainJob>(std::move(asker));
    static_cast<void>(thread->jobs.push(job));  // never closed
}

void Interpreter::end_main() {
    EntryPtr job = std::make_unique<MainJob>(std::nullopt);
    if (MainThread* thread = main_thread_.load()) static_cast<void>(thread->jobs.push(job));
}

void Interpreter::main_thread(const InterpreterOptions& options, const ReplyTo& asker) {
    MainSignals::watch_forks();
    if (options.main_program) MainSignals::begin();
    StartResult started;
    try {
        started = start_python(options);
    } catch (const std::exception& error) {
        return answer_error(asker, error.what());  // no memory
    }
    if (started.exit_code) return answer_exit(asker, *started.exit_code);
    if (!started.error.empty()) return answer_error(asker, started.error);

    // Py_InitializeFromConfig() has left the GIL with this thread.
    const Gil gil = Gil::held_by_caller();
    try {
        PyRef module = import_package(gil, options.path);
        const ModuleState& state = ModuleState::of(module.get());
        Interruptions::instance().start(gil, state.interrupted.get(), state.make_attempt.get(),
                                        state.do_nothing.get());
        Janitor::instance().start();
        if (options.main_program) {
            MainSignals::adopt(gil);
            set_first_path(gil, started.program);
        } else {
            print_by_lines(gil);
        }
        module_ = module.release();
        main_thread_ = new MainThread{std::move(started.program)};
    } catch (const PyError&) {
        answer_error(asker, describe_pending_error(gil));
    } catch (const std::exception& error) {
        answer_error(asker, error.what());  // no threads, descriptors or memory are left
    }
    MainThread* self = main_thread_.load();
    if (self == nullptr) {
        given_up_.emplace(gil);
        return;
    }
    asker.answer(nullptr, atoms.ok);

    for (;;) {
        EntryList arrived = self->wait(gil);
        // A Ctrl-C before the start of the program.
        if (PyErr_CheckSignals() != 0) end_by_signal(SIGINT);
        while (const EntryPtr job = arrived.pop_front()) {
            const auto& asker = static_cast<const MainJob&>(*job).asker;
            if (!asker || contain("py-main", [&] { self->run(gil, *asker); })) continue;
            answer_exit(*asker, 1);
        }
    }
}

}  // namespace nif
