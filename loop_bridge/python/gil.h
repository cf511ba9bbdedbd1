// SPDX-License-Identifier: Apache-2.0
// gil.h: the global interpreter lock as types. The only place that takes or gives it up.
// A function that touches CPython has a Gil parameter; one without it must not touch CPython.
// Lock order: the GIL first, then at most one other lock; the GIL is released before any wait.
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

// Takes the GIL on any thread, one that Python has never seen included.
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

// Gives the GIL up for a scope; the Gil token of the enclosing scope is not valid inside.
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
