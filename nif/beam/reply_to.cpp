// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/reply_to.h"

#include "nif/beam/messages.h"

namespace nif {

void ReplyTo::answer(ErlNifEnv* caller, TermEnv env, ERL_NIF_TERM result) const noexcept {
    const ERL_NIF_TERM message =
        result_message(env.get(), enif_make_copy(env.get(), ref.term), result);
    enif_send(caller, &pid, env.get(), message);
}

void ReplyTo::answer(ErlNifEnv* caller, ERL_NIF_TERM atom) const noexcept {
    answer(caller, make_term_env(), atom);
}

}  // namespace nif
