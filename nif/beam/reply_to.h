// SPDX-License-Identifier: Apache-2.0
// result_message.h: the message that answers a request which takes time.
// Threads: any.
#pragma once

#include <erl_nif.h>

#include "nif/beam/term_env.h"

namespace nif {

// Sends {py_result, Ref, Result}; `result` lives in `env`. `caller` is the environment of the NIF
// that runs on this thread, null on threads that are no schedulers.
void send_result(ErlNifEnv* caller, const ErlNifPid& to, const OwnedTerm& ref, TermEnv env,
                 ERL_NIF_TERM result) noexcept;

}  // namespace nif
