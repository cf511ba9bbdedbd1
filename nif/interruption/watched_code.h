// SPDX-License-Identifier: Apache-2.0
// watched_code.h: watches code begin and repeat, in any thread, with CPython's sys.monitoring.
// Before 3.12 there is no sys.monitoring. Then only the list of codes is kept, for ReturnHook.
// Threads: with the GIL. The callback runs on the thread that runs the code.
// Owns:    one tool number of sys.monitoring, as long as the process lives.
//
// Only watched code runs slower, in each thread that runs it.
#pragma once

#include <utility>
#include <vector>

#include "loop_bridge/python/py_ref.h"

namespace nif {

class WatchedCode {
public:
    // What the code of the innermost frame does.
    enum class Event {
        kBegins,
        kJumpsBack,
        kGoesOn,  // with another instruction; told once for each, and always right after a call
    };
    // False if the callback has set a Python error, which is raised there.
    using Callback = bool (*)(loop_bridge::Gil gil, Event event) noexcept;

    // Called once, before all others. False if this Python has no sys.monitoring, or no free
    // number.
    static bool start(loop_bridge::Gil gil, Callback callback) noexcept;

    // Beyond a limit of codes, the code that was added first is no longer watched. Without memory
    // the code is not watched: the returns of its functions are.
    static void add(loop_bridge::Gil gil, std::vector<WatchedCode>& codes, PyObject* code) noexcept;

    static bool contains(const std::vector<WatchedCode>& codes, const PyObject* code) noexcept;

    WatchedCode(loop_bridge::Gil gil, PyObject* code);
    ~WatchedCode() { end(); }
    WatchedCode(const WatchedCode&) = delete;
    WatchedCode& operator=(const WatchedCode&) = delete;
    WatchedCode(WatchedCode&& other) noexcept : code_(std::exchange(other.code_, nullptr)) {}
    WatchedCode& operator=(WatchedCode&& other) noexcept {
        std::swap(code_, other.code_);
        return *this;
    }

private:
    void end() noexcept;

    PyObject* code_ = nullptr;
};

}  // namespace nif
