// SPDX-License-Identifier: Apache-2.0
// nesting.h: the call on whose behalf Python code runs. While Python waits for a registered
// function, the function may call Python. Calls of that Python code are nested in the function's
// call.
// Threads: with the GIL.
//
// A request says whether it is nested, and names its ancestors: the functions with limited
// concurrency among the outer calls. Only Erlang uses these names. While the request runs, a
// context variable holds the ancestors; tasks and copies of the context inherit it (see
// request_scope.h). The variable's value is a mark: a list that is emptied at the end of
// the request. Code that outlives the request is no longer nested.
#pragma once

#include <optional>

#include "nif/beam/binaries.h"
#include "nif/beam/term_env.h"
#include "nif/node/module_state.h"

namespace nif {

// The mark of the running code, if there is one.
class Nesting {
public:
    static Nesting current(loop_bridge::Gil gil, const ModuleState& state);

    bool nested() const noexcept { return static_cast<bool>(mark_); }

    // Whether the request may have one more async call in flight, beyond the limit of the node. One
    // such call at a time may be, as one blocking call may. Exempting all of them would remove the
    // limit.
    bool may_use_overdraft(loop_bridge::Gil gil) const;
    // From now on `future` is the request's one call over the limit.
    void set_overdraft(loop_bridge::Gil gil, const loop_bridge::PyRef& future) const;

    // The last element of a call's message. `wait` and `binaries` are the call's arguments, see
    // call_arguments.h.
    ERL_NIF_TERM options(loop_bridge::Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                         std::optional<bool> wait, std::optional<Binaries> binaries) const;

private:
    loop_bridge::PyRef mark_;       // [ancestors, the future over the limit or None], or null
    loop_bridge::PyRef ancestors_;  // from the mark; Python code may empty the mark meanwhile
};

// A request, split into its body and its nesting.
struct NestedRequest {
    explicit NestedRequest(const OwnedTerm& body) noexcept;

    // The ancestors as a Python object; None if the request is not nested.
    loop_bridge::PyRef ancestors_to_python(loop_bridge::Gil gil,
                                           const ConversionState& conversion) const;

    ErlNifEnv* env;
    ERL_NIF_TERM request;  // the body without its nesting
    ERL_NIF_TERM ancestors = 0;
    bool nested = false;
};

}  // namespace nif
