// SPDX-License-Identifier: Apache-2.0
// gil.h: the global interpreter lock as types. The only file that takes or gives up the GIL. A
// function that touches CPython has a Gil parameter. A function without one must not touch CPython.
// Threads: GilAcquire          any
//          Gil, GilRelease     a thread with the GIL
// Lock order: the GIL first, then at most one other lock. The GIL is released before any wait.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace loop_bridge {

// Proof that the current thread holds the GIL. Empty; pass it by value.
class Gil {
public:
    // For entries that CPython itself calls (methods, slots, capsule destructors).
    static Gil held_by_caller() noexcept { return Gil{}; }

private:
    Gil() = default;
    friend class GilAcquire;
};

// Takes the GIL on any thread, also on a thread that Python has never seen.
class GilAcquire {
public:
    GilAcquire() : state_(PyGILState_Ensure()) {}
    ~GilAcquire() { PyGILState_Release(state_); }
    GilAcquire(const GilAcquire&) = delete;
    GilAcquire& operator=(const GilAcquire&) = delete;

    Gil gil() const noexcept { return Gil{}; }

private:
    PyGILState_STATE state_;
};

// Gives up the GIL for a scope. The Gil of the enclosing scope is not valid inside.
class GilRelease {
public:
    explicit GilRelease(Gil) : state_(PyEval_SaveThread()) {}
    ~GilRelease() { PyEval_RestoreThread(state_); }
    GilRelease(const GilRelease&) = delete;
    GilRelease& operator=(const GilRelease&) = delete;

private:
    PyThreadState* state_;
};

}  // namespace loop_bridge
