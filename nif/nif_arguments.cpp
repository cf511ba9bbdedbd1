// SPDX-License-Identifier: Apache-2.0
#include "nif/nif_arguments.h"

#include "nif/node/node.h"

namespace nif {

namespace {

bool find(ErlNifEnv* env, ERL_NIF_TERM map, const char* key, ERL_NIF_TERM* value) {
    return enif_get_map_value(env, map, enif_make_atom(env, key), value) != 0;
}

ERL_NIF_TERM require(ErlNifEnv* env, ERL_NIF_TERM map, const char* key) {
    ERL_NIF_TERM value = 0;
    if (!find(env, map, key, &value)) throw BadArgument{};
    return value;
}

std::string text(ErlNifEnv* env, ERL_NIF_TERM term) {
    ErlNifBinary binary;
    if (enif_inspect_binary(env, term, &binary) == 0) throw BadArgument{};
    return {reinterpret_cast<const char*>(binary.data), binary.size};
}

std::vector<std::string> texts(ErlNifEnv* env, ERL_NIF_TERM list) {
    std::vector<std::string> read;
    ERL_NIF_TERM head = 0;
    while (enif_get_list_cell(env, list, &head, &list) != 0) read.push_back(text(env, head));
    if (enif_is_empty_list(env, list) == 0) throw BadArgument{};
    return read;
}

}  // namespace

ErlNifUInt64 uint64_argument(ErlNifEnv* env, ERL_NIF_TERM term) {
    ErlNifUInt64 value = 0;
    if (enif_get_uint64(env, term, &value) == 0) throw BadArgument{};
    return value;
}

ErlNifPid caller_pid(ErlNifEnv* env) {
    ErlNifPid pid;
    if (enif_self(env, &pid) == nullptr) throw BadArgument{};
    return pid;
}

InterpreterOptions interpreter_options(ErlNifEnv* env, ERL_NIF_TERM map) {
    InterpreterOptions options;
    options.executable = text(env, require(env, map, "executable"));
    options.path = texts(env, require(env, map, "path"));
    options.argv = {options.executable};
    ERL_NIF_TERM argv = 0;
    if (find(env, map, "argv", &argv)) {
        options.main_program = true;
        for (auto& argument : texts(env, argv)) options.argv.push_back(std::move(argument));
    }
    return options;
}

void apply_node_options(ErlNifEnv* env, ERL_NIF_TERM map) {
    using loop_bridge::WakeKind;
    Node& node = Node::instance();
    const ERL_NIF_TERM channel = require(env, map, "channel");
    const bool pipe = enif_is_identical(channel, enif_make_atom(env, "pipe")) != 0;
    node.wake_kind = pipe ? WakeKind::kPipe : WakeKind::kEventFd;
    node.spin_microseconds =
        static_cast<std::int64_t>(uint64_argument(env, require(env, map, "spin_us")));
    node.meter.set_limit(uint64_argument(env, require(env, map, "max_in_flight")));
}

}  // namespace nif
