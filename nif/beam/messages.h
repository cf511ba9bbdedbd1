// SPDX-License-Identifier: Apache-2.0
// messages.h: the only builders of the messages of the native side to Erlang processes. Each
// comment is the term that its function makes; py_nif has the types. docs/architecture.md lists
// senders and receivers.
// Threads: any; each environment one thread at a time.
//
// Terms that are passed in live in the environment of the message.
#pragma once

#include <erl_nif.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "nif/beam/binaries.h"

namespace nif {

// Who waits for calls in a channel. Each kind has a handler of its own.
enum class ChannelKind { kThread, kLoop };

// What a call carries.
struct CallTerms {
    ERL_NIF_TERM name, args, options;
};

// default, or {default | wait | refuse, Ancestors, default | text | bytes}:
// py_function_call:options().
ERL_NIF_TERM call_options(ErlNifEnv* env, std::optional<bool> wait,
                          std::optional<ERL_NIF_TERM> ancestors, std::optional<Binaries> binaries);

// To the handler of a thread: py_nif:thread_message().
// {call, Id, Name, Args, Options}
ERL_NIF_TERM call_message(ErlNifEnv* env, std::uint64_t id, const CallTerms& call);

// To the handler of a loop: py_nif:loop_message().
// {Id, Name, Args, Options}, an element of the next one.
ERL_NIF_TERM gathered_call(ErlNifEnv* env, std::uint64_t id, const CallTerms& call);
// {Id, Name, Items, Options, Concurrency}, another element: `map.args` is the list of the items,
// each of which is the list of its arguments.
ERL_NIF_TERM gathered_map(ErlNifEnv* env, std::uint64_t id, const CallTerms& map,
                          std::uint64_t concurrency);
// {calls, Calls}
ERL_NIF_TERM calls_message(ErlNifEnv* env, std::span<const ERL_NIF_TERM> calls);
// {cancel, Ids}
ERL_NIF_TERM cancel_message(ErlNifEnv* env, std::span<const std::uint64_t> ids);

// To both handlers.
// stop
ERL_NIF_TERM stop_message();

// To the coordinator: py_nif:coordinator_message().
// {open_channel, thread | loop, Channel}
ERL_NIF_TERM open_channel_message(ErlNifEnv* env, ChannelKind kind, ERL_NIF_TERM channel);
// {stop_handler, Handler}
ERL_NIF_TERM stop_handler_message(ErlNifEnv* env, const ErlNifPid& handler);
// {send, To, Message}
ERL_NIF_TERM relay_message(ErlNifEnv* env, ERL_NIF_TERM to, ERL_NIF_TERM message);

// To the process of a hosted loop: py_nif:loop_ready_message().
// {loop_ready, Channel}
ERL_NIF_TERM loop_ready_message(ErlNifEnv* env, ERL_NIF_TERM channel);

// To the logger: py_nif:logger_message().
// lines
ERL_NIF_TERM lines_message();

// To a process that waits for an answer: py_nif:result_message(), py_nif:context_message(),
// py_nif:start_message(), py_nif:main_message(). ReplyTo sends them.
// {py_result, Ref, Answer}
ERL_NIF_TERM result_message(ErlNifEnv* env, ERL_NIF_TERM ref, ERL_NIF_TERM answer);
// The answers that are no atoms:
// {ok, Value}
ERL_NIF_TERM ok_answer(ErlNifEnv* env, ERL_NIF_TERM value);
// {error, Reason}
ERL_NIF_TERM error_answer(ErlNifEnv* env, ERL_NIF_TERM reason);
// {error, Text}
ERL_NIF_TERM error_answer(ErlNifEnv* env, std::string_view text);
// {exit, Code}
ERL_NIF_TERM exit_answer(ErlNifEnv* env, int code);
// {stuck, Stack}
ERL_NIF_TERM stuck_answer(ErlNifEnv* env, std::string_view stack);

}  // namespace nif
