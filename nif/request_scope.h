// SPDX-License-Identifier: Apache-2.0
// request_scope.h: what a request finds in its thread, and what it leaves there: context variables,
// on whose behalf it runs, and functions that observe its code.
// Threads: any Python thread, with the GIL.
//
// A request has a context of variables of its own, as a task or a thread has. Which one that is:
//  - on a context's thread an empty one, or the one of the process that holds the context;
//  - on a thread that waits for Erlang, which the request interrupts, a copy of what is there;
//  - for a coroutine an empty one, of which the coroutine's task takes a copy.
#pragma once

#include "nif/module_state.h"

namespace nif {

enum class RequestKind { kCall, kCoroutine };

class RequestScope {
public:
    // Code that runs in this thread while it lives belongs to the request, and is nested in
    // `ancestors`, unless that is None. Throws PyError.
    RequestScope(loop_bridge::Gil gil, const ModuleState& state, RequestKind kind,
                 PyObject* ancestors);
    // No Python error may be pending.
    ~RequestScope();
    RequestScope(const RequestScope&) = delete;
    RequestScope& operator=(const RequestScope&) = delete;

    // Of a coroutine's request, which outlives the scope; None when it is not nested. Whoever takes
    // the mark empties the mark when the request has ended.
    loop_bridge::PyRef take_mark() noexcept;

private:
    loop_bridge::Gil gil_;
    const ModuleState& state_;
    bool outermost_;  // of a context's thread
    loop_bridge::PyRef context_;
    loop_bridge::PyRef mark_;
};

// The calling thread is a context's.
void begin_context_thread() noexcept;
// From its next request on, the calling thread keeps one context for all its requests, or does not
// any more.
void keep_request_context(loop_bridge::Gil gil, bool keep);

}  // namespace nif
