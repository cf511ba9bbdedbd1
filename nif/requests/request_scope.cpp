// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_scope.h"

#include "loop_bridge/python/py_handle.h"
#include "nif/requests/thread_hooks.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyHandle;
using loop_bridge::PyRef;

namespace {

// The state that a thread keeps for its requests.
struct OfThread {
    bool of_context = false;
    int running = 0;  // nested requests that run now
    PyHandle kept;    // the context of all requests, while a process holds the thread
    ThreadHooks hooks;
};

OfThread& of_thread() noexcept {
    static thread_local OfThread thread;
    return thread;
}

PyRef context_for(Gil gil, const OfThread& thread, RequestKind kind, bool outermost) {
    if (outermost && thread.kept) return thread.kept.get(gil);
    if (outermost || kind == RequestKind::kCoroutine) return PyRef::steal(PyContext_New());
    return PyRef::steal(PyContext_CopyCurrent());
}

}  // namespace

RequestScope::RequestScope(Gil gil, const ModuleState& state, RequestKind kind, PyObject* ancestors)
    : gil_(gil), state_(state), outermost_(of_thread().of_context && of_thread().running == 0) {
    OfThread& thread = of_thread();
    PyRef mark;
    if (ancestors != Py_None) mark = PyRef::steal(Py_BuildValue("[OO]", ancestors, Py_None));
    PyRef context = context_for(gil, thread, kind, outermost_);
    if (PyContext_Enter(context.get()) != 0) throw loop_bridge::PyError{};
    context_ = std::move(context);
    ++thread.running;
    if (mark) {
        PyObject* token = PyContextVar_Set(state.nesting.get(), mark.get());
        if (token == nullptr) PyErr_Clear();  // out of memory
        Py_XDECREF(token);
        mark_ = std::move(mark);
    }
    thread.hooks.apply(gil, state, outermost_ && !thread.kept);
}

RequestScope::~RequestScope() {
    OfThread& thread = of_thread();
    --thread.running;
    // A process that holds the thread may trace all its requests.
    if (outermost_ && !thread.kept) thread.hooks.restore(gil_, state_);
    if (!thread.of_context && thread.running == 0) thread.hooks.withdraw(gil_);
    // An empty mark belongs to a request that has ended. This fails only without memory.
    if (mark_ && PyList_SetSlice(mark_.get(), 0, PyList_GET_SIZE(mark_.get()), nullptr) != 0) {
        PyErr_Clear();
    }
    // This fails only if native code has entered a context and not left it.
    if (PyContext_Exit(context_.get()) != 0) PyErr_WriteUnraisable(context_.get());
}

PyRef RequestScope::take_mark() noexcept {
    return mark_ ? std::move(mark_) : PyRef::borrow(Py_None);
}

void begin_context_thread() noexcept { of_thread().of_context = true; }

void keep_request_context(Gil gil, bool keep) {
    PyHandle& kept = of_thread().kept;
    PyHandle old = std::move(kept);
    if (keep) kept = PyHandle{PyRef::steal(PyContext_New())};
    old.reset(gil);
}

}  // namespace nif
