// SPDX-License-Identifier: Apache-2.0
// interpreter.h: CPython, started once in a node on a thread of its own. That thread is Python's
// main thread for good. Python is never finalised: a process can't start it again afterwards.
// Threads: start(), run_main(), end_main() any thread; they return at once and answer by message.
#pragma once

#include <atomic>
#include <optional>

#include "loop_bridge/python/gil.h"
#include "nif/beam/reply_to.h"
#include "nif/interpreter/python_config.h"

namespace nif {

class Interpreter {
public:
    static Interpreter& instance() noexcept;

    // Answers ok, {error, Text}, or {exit, Code} for a command line such as --version.
    void start(InterpreterOptions options, ReplyTo asker);
    // Runs the main program of the command line. Answers `ended` when the program has ended, and
    // {exit, Code} after end_main().
    void run_main(ReplyTo asker);
    // The hosted loops have ended. Now the program's threads, exit functions and buffers may end
    // too.
    void end_main();

    // The builtin module `_erlang`; null until Python runs.
    PyObject* module() const noexcept { return module_.load(); }

private:
    Interpreter() = default;
    void main_thread(const InterpreterOptions& options, const ReplyTo& asker);

    std::atomic<bool> started_{false};
    std::atomic<PyObject*> module_{nullptr};
    struct MainThread;
    std::atomic<MainThread*> main_thread_{nullptr};
    // The GIL that a main thread gives up for good if its start has failed.
    std::optional<loop_bridge::GilRelease> given_up_;
};

}  // namespace nif
