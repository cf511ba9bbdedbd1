// SPDX-License-Identifier: Apache-2.0
// reply_to.h: the process that waits for an answer, and the reference that names the answer.
// Threads: any.
#pragma once

#include <erl_nif.h>

#include "nif/beam/term_env.h"

namespace nif {

struct ReplyTo {
    ErlNifPid pid;
    OwnedTerm ref;

    // Sends {py_result, Ref, Result}; `result` lives in `env`. `caller` is the environment of the
    // NIF that runs on this thread, null on threads that are no schedulers.
    void answer(ErlNifEnv* caller, TermEnv env, ERL_NIF_TERM result) const noexcept;
    // The result is an atom of atoms.h.
    void answer(ErlNifEnv* caller, ERL_NIF_TERM atom) const noexcept;
};

}  // namespace nif
