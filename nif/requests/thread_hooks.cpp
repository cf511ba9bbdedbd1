// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/thread_hooks.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyHandle;
using loop_bridge::PyRef;

namespace {

struct Trace {
    static Py_tracefunc function(const PyThreadState& thread) { return thread.c_tracefunc; }
    static PyObject* object(const PyThreadState& thread) { return thread.c_traceobj; }
    static void set(Py_tracefunc function, PyObject* object) { PyEval_SetTrace(function, object); }
    static PyObject* hook_name(const ModuleState& state) { return state.name_trace_hook.get(); }
    static PyObject* begin(const ModuleState& state) { return state.begin_trace.get(); }
};

struct Profile {
    static Py_tracefunc function(const PyThreadState& thread) { return thread.c_profilefunc; }
    static PyObject* object(const PyThreadState& thread) { return thread.c_profileobj; }
    static void set(Py_tracefunc function, PyObject* object) {
        PyEval_SetProfile(function, object);
    }
    static PyObject* hook_name(const ModuleState& state) { return state.name_profile_hook.get(); }
    static PyObject* begin(const ModuleState& state) { return state.begin_profile.get(); }
};

// Null for none.
template <class Kind>
PyRef current_hook(Gil, const ModuleState& state) {
    PyObject* hook = PyDict_GetItemWithError(state.threading_names.get(), Kind::hook_name(state));
    if (hook == nullptr && PyErr_Occurred() != nullptr) throw PyError{};
    return PyRef::borrow(hook == Py_None ? nullptr : hook);
}

}  // namespace

template <class Kind>
bool ThreadHooks::is_kept(Gil gil, const Observer& observer) noexcept {
    const PyThreadState& thread = *PyThreadState_Get();
    return Kind::function(thread) == observer.function &&
           Kind::object(thread) == observer.object.get(gil).get();
}

template <class Kind>
void ThreadHooks::withdraw_one(Gil gil, Observer& observer) noexcept {
    if (observer.by_hook && is_kept<Kind>(gil, observer)) Kind::set(nullptr, nullptr);
    observer.by_hook = false;
}

template <class Kind>
void ThreadHooks::apply_one(Gil gil, const ModuleState& state, Observer& observer,
                            bool keep_in_mind) {
    const PyThreadState& thread = *PyThreadState_Get();
    const PyRef hook = current_hook<Kind>(gil, state);
    if (hook.get() != observer.hook.get(gil).get()) {
        // Remove the function that the old hook has set here.
        withdraw_one<Kind>(gil, observer);
        observer.hook = PyHandle{hook};
    }
    const bool applies = hook && Kind::function(thread) == nullptr;
    if (applies) PyRef::steal(PyObject_CallOneArg(Kind::begin(state), hook.get()));
    if (!applies && (!keep_in_mind || is_kept<Kind>(gil, observer))) return;
    observer.by_hook = applies;
    observer.function = Kind::function(thread);
    observer.object = PyHandle{PyRef::borrow(Kind::object(thread))};
}

template <class Kind>
void ThreadHooks::restore_one(Gil gil, const ModuleState& state, Observer& observer) noexcept {
    if (is_kept<Kind>(gil, observer)) return;
    const PyRef kept = observer.object.get(gil);
    try {
        const PyRef hook = current_hook<Kind>(gil, state);
        if (hook.get() == observer.hook.get(gil).get()) Kind::set(observer.function, kept.get());
    } catch (const PyError&) {
        PyErr_Clear();  // the names of a module have no such failures
    }
}

void ThreadHooks::apply(Gil gil, const ModuleState& state, bool keep_in_mind) noexcept {
    try {
        apply_one<Trace>(gil, state, trace_, keep_in_mind);
        apply_one<Profile>(gil, state, profile_, keep_in_mind);
    } catch (const PyError&) {
        // The hook raised an exception. The request runs all the same.
        PyErr_WriteUnraisable(nullptr);
    }
}

void ThreadHooks::restore(Gil gil, const ModuleState& state) noexcept {
    restore_one<Trace>(gil, state, trace_);
    restore_one<Profile>(gil, state, profile_);
}

void ThreadHooks::withdraw(Gil gil) noexcept {
    withdraw_one<Trace>(gil, trace_);
    withdraw_one<Profile>(gil, profile_);
}

}  // namespace nif
