// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/messages.h"

#include <algorithm>
#include <vector>

#include "nif/beam/atoms.h"

namespace nif {

namespace {

ERL_NIF_TERM list_of(ErlNifEnv* env, std::span<const ERL_NIF_TERM> terms) {
    return enif_make_list_from_array(env, terms.data(), static_cast<unsigned>(terms.size()));
}

ERL_NIF_TERM binary_of(ErlNifEnv* env, std::string_view text) {
    ERL_NIF_TERM binary = 0;
    unsigned char* bytes = enif_make_new_binary(env, text.size(), &binary);
    std::copy(text.begin(), text.end(), bytes);
    return binary;
}

}  // namespace

ERL_NIF_TERM call_options(ErlNifEnv* env, std::optional<bool> wait,
                          std::optional<ERL_NIF_TERM> ancestors, std::optional<Binaries> binaries) {
    if (!wait && !ancestors && !binaries) return atoms.default_;
    const ERL_NIF_TERM overload = !wait ? atoms.default_ : (*wait ? atoms.wait : atoms.refuse);
    return enif_make_tuple3(env, overload, ancestors ? *ancestors : enif_make_list(env, 0),
                            binaries_term(binaries));
}

ERL_NIF_TERM call_message(ErlNifEnv* env, std::uint64_t id, const CallTerms& call) {
    return enif_make_tuple5(env, atoms.call, enif_make_uint64(env, id), call.name, call.args,
                            call.options);
}

ERL_NIF_TERM gathered_call(ErlNifEnv* env, std::uint64_t id, const CallTerms& call) {
    return enif_make_tuple4(env, enif_make_uint64(env, id), call.name, call.args, call.options);
}

ERL_NIF_TERM gathered_map(ErlNifEnv* env, std::uint64_t id, const CallTerms& map,
                          std::uint64_t concurrency) {
    return enif_make_tuple5(env, enif_make_uint64(env, id), map.name, map.args, map.options,
                            enif_make_uint64(env, concurrency));
}

ERL_NIF_TERM calls_message(ErlNifEnv* env, std::span<const ERL_NIF_TERM> calls) {
    return enif_make_tuple2(env, atoms.calls, list_of(env, calls));
}

ERL_NIF_TERM cancel_message(ErlNifEnv* env, std::span<const std::uint64_t> ids) {
    std::vector<ERL_NIF_TERM> terms;
    terms.reserve(ids.size());
    for (const std::uint64_t id : ids) terms.push_back(enif_make_uint64(env, id));
    return enif_make_tuple2(env, atoms.cancel, list_of(env, terms));
}

ERL_NIF_TERM stop_message() { return atoms.stop; }

ERL_NIF_TERM open_channel_message(ErlNifEnv* env, ChannelKind kind, ERL_NIF_TERM channel) {
    const ERL_NIF_TERM caller = kind == ChannelKind::kLoop ? atoms.loop : atoms.thread;
    return enif_make_tuple3(env, atoms.open_channel, caller, channel);
}

ERL_NIF_TERM stop_handler_message(ErlNifEnv* env, const ErlNifPid& handler) {
    return enif_make_tuple2(env, atoms.stop_handler, enif_make_pid(env, &handler));
}

ERL_NIF_TERM relay_message(ErlNifEnv* env, ERL_NIF_TERM to, ERL_NIF_TERM message) {
    return enif_make_tuple3(env, atoms.send, to, message);
}

ERL_NIF_TERM loop_ready_message(ErlNifEnv* env, ERL_NIF_TERM channel) {
    return enif_make_tuple2(env, atoms.loop_ready, channel);
}

ERL_NIF_TERM lines_message() { return atoms.lines; }

ERL_NIF_TERM result_message(ErlNifEnv* env, ERL_NIF_TERM ref, ERL_NIF_TERM answer) {
    return enif_make_tuple3(env, atoms.py_result, ref, answer);
}

ERL_NIF_TERM ok_answer(ErlNifEnv* env, ERL_NIF_TERM value) {
    return enif_make_tuple2(env, atoms.ok, value);
}

ERL_NIF_TERM error_answer(ErlNifEnv* env, ERL_NIF_TERM reason) {
    return enif_make_tuple2(env, atoms.error, reason);
}

ERL_NIF_TERM error_answer(ErlNifEnv* env, std::string_view text) {
    return error_answer(env, binary_of(env, text));
}

ERL_NIF_TERM exit_answer(ErlNifEnv* env, int code) {
    return enif_make_tuple2(env, atoms.exit, enif_make_int(env, code));
}

ERL_NIF_TERM stuck_answer(ErlNifEnv* env, std::string_view stack) {
    return enif_make_tuple2(env, atoms.stuck, binary_of(env, stack));
}

}  // namespace nif
