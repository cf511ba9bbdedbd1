// SPDX-License-Identifier: Apache-2.0
// atoms.h: atoms as immediate terms, valid in every environment for the life of the node.
// Threads: init_atoms() once, in the NIF's load; the rest any thread, no GIL.
#pragma once

#include <erl_nif.h>

#include <optional>
#include <string>
#include <string_view>

namespace nif {

struct Atoms {
    ERL_NIF_TERM true_, false_, none, nil, undefined;
    ERL_NIF_TERM nan, infinity, neg_infinity;
    ERL_NIF_TERM bytes;
    ERL_NIF_TERM default_, wait, refuse, nested;
};

// Filled by init_atoms(). Plain integers: nothing to destroy when the node ends.
extern Atoms atoms;
void init_atoms(ErlNifEnv* env);

// The longest atom that Erlang allows, in characters.
inline constexpr std::size_t kMaxAtomLength = 255;

// The atom with this UTF-8 text when the node knows it already. Never makes one.
std::optional<ERL_NIF_TERM> find_atom(ErlNifEnv* env, std::string_view utf8);

// The atom with this UTF-8 text, made when missing; atoms are never collected, so callers need a
// budget. Nothing when the text is longer than kMaxAtomLength characters or not UTF-8.
std::optional<ERL_NIF_TERM> make_atom(ErlNifEnv* env, std::string_view utf8);

// The text of an atom in UTF-8; nothing when `term` is no atom.
std::optional<std::string> atom_text(ErlNifEnv* env, ERL_NIF_TERM term);

}  // namespace nif
