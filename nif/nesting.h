// SPDX-License-Identifier: Apache-2.0
// nesting.h: on whose behalf Python code runs. A registered function, while Python waits for it,
// may ask Python for something; what that calls in turn is nested in the function's own call.
// Threads: with the GIL.
//
// A request says whether it is nested, and which calls further out hold a place of a function with
// limited concurrency: its ancestors, keys that only Erlang understands. While it runs, they stand
// in a context variable, which tasks and copies of the context inherit (see request_scope.h). Its
// value is a mark, a list that is emptied when the request has ended: what outlives that is nested
// no longer.
#pragma once

#include "nif/module_state.h"
#include "nif/request.h"

namespace nif {

struct CallArguments;

// The mark of the code that runs here, if there is one.
class Nesting {
public:
    static Nesting current(loop_bridge::Gil gil, const ModuleState& state);

    bool nested() const noexcept { return static_cast<bool>(mark_); }

    // Whether one more async call may go over the limit of calls in flight, on the request's
    // behalf: one at a time can, as one blocking call can. Were it all of them, there would be no
    // limit.
    bool may_exceed(loop_bridge::Gil gil) const;
    // That one is now this future.
    void exceed_by(loop_bridge::Gil gil, const loop_bridge::PyRef& future) const;

    // The last element of a call's message: `default', or {default | wait | refuse, Ancestors}.
    ERL_NIF_TERM options(loop_bridge::Gil gil, const ErlangTypes& types, ErlNifEnv* env,
                         const CallArguments& call) const;

private:
    loop_bridge::PyRef mark_;       // [ancestors, the one over the limit or None], or null
    loop_bridge::PyRef ancestors_;  // its; what runs in between may empty it
};

// A request with what it says of its nesting.
struct NestedRequest {
    explicit NestedRequest(const OwnedTerm& body) noexcept;

    // The ancestors as Python keeps them; None when it is not nested.
    loop_bridge::PyRef ancestors_to_python(loop_bridge::Gil gil, const ErlangTypes& types) const;

    ErlNifEnv* env;
    ERL_NIF_TERM request;  // without it
    ERL_NIF_TERM ancestors = 0;
    bool nested = false;
};

}  // namespace nif
