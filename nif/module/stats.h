// SPDX-License-Identifier: Apache-2.0
// stats.h: the counters of the bridge, for Erlang and for Python.
// Threads: stats_term()   any thread
//          stats_dict()   with the GIL
#pragma once

#include <erl_nif.h>

#include "loop_bridge/python/py_ref.h"

namespace nif {

ERL_NIF_TERM stats_term(ErlNifEnv* env);
loop_bridge::PyRef stats_dict(loop_bridge::Gil gil);

}  // namespace nif
