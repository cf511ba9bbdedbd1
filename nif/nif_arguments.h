// SPDX-License-Identifier: Apache-2.0
// nif_arguments.h: reads the arguments of NIFs; throws BadArgument for wrong ones.
// Threads: scheduler threads.
#pragma once

#include <string>
#include <vector>

#include "nif/beam/nif_entry.h"
#include "nif/beam/resource.h"
#include "nif/interpreter/python_config.h"

namespace nif {

template <class T>
ResourcePtr<T> resource_argument(ErlNifEnv* env, ERL_NIF_TERM term) {
    T* object = Resource<T>::get(env, term);
    if (object == nullptr) throw BadArgument{};
    return ResourcePtr<T>::share(object);
}

ErlNifUInt64 uint64_argument(ErlNifEnv* env, ERL_NIF_TERM term);
ErlNifPid caller_pid(ErlNifEnv* env);

// Read the options of start_python: those of the interpreter, and those of the node's bridge.
// apply_node_options() puts the latter into force at once.
InterpreterOptions interpreter_options(ErlNifEnv* env, ERL_NIF_TERM map);
void apply_node_options(ErlNifEnv* env, ERL_NIF_TERM map);

}  // namespace nif
