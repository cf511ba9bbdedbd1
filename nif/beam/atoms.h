// SPDX-License-Identifier: Apache-2.0
// atoms.h: atoms as immediate terms, valid in every environment for the life of the node.
// Threads: init_atoms() once, in the NIF's load; the rest any thread, no GIL.
#pragma once

#include <erl_nif.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

namespace nif {

struct Atoms {
    // Values.
    ERL_NIF_TERM true_, false_, none, nil, undefined;
    ERL_NIF_TERM nan, infinity, neg_infinity;
    ERL_NIF_TERM bytes, text, struct_;
    // Messages to handlers, to the coordinator, to loops and to the logger, and their parts.
    ERL_NIF_TERM call, calls, cancel, stop, open_channel, thread, loop, stop_handler, send;
    ERL_NIF_TERM default_, wait, refuse, loop_ready, lines;
    // Requests, answers and their parts.
    ERL_NIF_TERM eval, exec, stream, stream_eval, coroutine, async, gather, host, nested;
    ERL_NIF_TERM py_result, ok, error, exit, ready, ended, stuck, disconnected, exception;
    // Keys of stats(); `calls' is one too.
    ERL_NIF_TERM in_flight, refused, stale, total_us, channels, pooled_channels, contexts, loops;
    ERL_NIF_TERM histogram;
    // Results of NIFs.
    ERL_NIF_TERM closed, abandoned, replied;
    // Errors of NIFs.
    ERL_NIF_TERM badarg, system_error, native_error, enomem;
};

// Filled by init_atoms(). Plain integers, so the end of the node destroys nothing.
extern Atoms atoms;
void init_atoms(ErlNifEnv* env);

// The atom for Python's None: `none`, or `nil` for Elixir. The application's start sets it.
extern std::atomic<ERL_NIF_TERM> none_spelling;

// The longest atom that Erlang allows, in characters.
inline constexpr std::size_t kMaxAtomLength = 255;

// The atom with this UTF-8 text, if the node knows the atom already. Never makes an atom.
std::optional<ERL_NIF_TERM> find_atom(ErlNifEnv* env, std::string_view utf8);

// The atom with this UTF-8 text; makes the atom if it is missing. Erlang never frees atoms, so
// callers need a budget. Nothing if the text is longer than kMaxAtomLength characters or not UTF-8.
std::optional<ERL_NIF_TERM> make_atom(ErlNifEnv* env, std::string_view utf8);

// The text of an atom in UTF-8. Nothing if `term` is no atom.
std::optional<std::string> atom_text(ErlNifEnv* env, ERL_NIF_TERM term);

}  // namespace nif
