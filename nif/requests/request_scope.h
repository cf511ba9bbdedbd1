// SPDX-License-Identifier: Apache-2.0
// request_scope.h: the surroundings of a request in its thread: its context variables, its nesting,
// and the functions that trace or profile its code.
// Threads: any Python thread, with the GIL.
//
// Like a task or a thread, a request has a context (of variables) of its own:
//  - on a context's thread an empty one, or the one of the process that holds the thread;
//  - on a thread that waits for Erlang, a copy of the current one;
//  - for a coroutine an empty one, which the coroutine's task copies.
#pragma once

#include "nif/node/module_state.h"

namespace nif {

enum class RequestKind { kCall, kCoroutine };

class RequestScope {
public:
    // While the scope lives, code in this thread belongs to the request. The code is nested in
    // `ancestors`, unless that is None. Throws PyError.
    RequestScope(loop_bridge::Gil gil, const ModuleState& state, RequestKind kind,
                 PyObject* ancestors);
    // No Python error may be pending.
    ~RequestScope();
    RequestScope(const RequestScope&) = delete;
    RequestScope& operator=(const RequestScope&) = delete;

    // The mark of a coroutine's request, which outlives the scope; None if the request is not
    // nested. The caller empties the mark at the end of the request.
    loop_bridge::PyRef take_mark() noexcept;

private:
    loop_bridge::Gil gil_;
    const ModuleState& state_;
    bool outermost_;  // of a context's thread
    loop_bridge::PyRef context_;
    loop_bridge::PyRef mark_;
};

// The calling thread belongs to a context.
void begin_context_thread() noexcept;
// Whether the calling thread keeps one context for all its requests, from the next request on.
void keep_request_context(loop_bridge::Gil gil, bool keep);

}  // namespace nif
