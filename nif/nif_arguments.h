// SPDX-License-Identifier: Apache-2.0
// nif_arguments.h: reads the arguments of NIFs; BadArgument for what does not fit.
// Threads: scheduler threads.
#pragma once

#include <string>
#include <vector>

#include "nif/interpreter.h"
#include "nif/nif_entry.h"
#include "nif/resource.h"

namespace nif {

template <class T>
ResourcePtr<T> resource_argument(ErlNifEnv* env, ERL_NIF_TERM term) {
    T* object = Resource<T>::get(env, term);
    if (object == nullptr) throw BadArgument{};
    return ResourcePtr<T>::share(object);
}

ErlNifUInt64 uint64_argument(ErlNifEnv* env, ERL_NIF_TERM term);
ErlNifPid caller_pid(ErlNifEnv* env);

// Options of start_python: what concerns the interpreter, and what concerns the node's bridge,
// which is put into force at once.
InterpreterOptions interpreter_options(ErlNifEnv* env, ERL_NIF_TERM map);
void apply_node_options(ErlNifEnv* env, ERL_NIF_TERM map);

}  // namespace nif
