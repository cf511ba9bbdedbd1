// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/result_message.h"

namespace nif {

void send_result(ErlNifEnv* caller, const ErlNifPid& to, const OwnedTerm& ref, TermEnv env,
                 ERL_NIF_TERM result) noexcept {
    const ERL_NIF_TERM message = enif_make_tuple3(env.get(), enif_make_atom(env.get(), "py_result"),
                                                  enif_make_copy(env.get(), ref.term), result);
    enif_send(caller, &to, env.get(), message);
}

}  // namespace nif
