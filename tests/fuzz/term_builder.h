// SPDX-License-Identifier: Apache-2.0
// term_builder.h: makes arbitrary terms of arbitrary bytes.
#pragma once

#include <erl_nif.h>

#include "tests/fuzz/byte_source.h"

namespace fuzz {

class TermBuilder {
public:
    TermBuilder(ErlNifEnv* env, ByteSource& source) : env_(env), source_(source) {}

    ERL_NIF_TERM build();

    // True when the built terms come back from Python as the same terms.
    bool exact() const { return exact_; }
    // Keys that differ in Erlang may be equal in Python, and the other way round.
    bool has_map() const { return has_map_; }
    // {bytes, {text, Binary}} loses one tag each time.
    bool has_tagged_binary() const { return tagged_; }

private:
    ERL_NIF_TERM build_integer();
    ERL_NIF_TERM build_float();
    ERL_NIF_TERM build_atom();
    ERL_NIF_TERM build_binary();
    ERL_NIF_TERM build_pid();
    ERL_NIF_TERM build_list(bool proper);
    ERL_NIF_TERM build_tuple();
    ERL_NIF_TERM build_map();
    ERL_NIF_TERM build_deep();

    ErlNifEnv* env_;
    ByteSource& source_;
    int depth_ = 0;
    unsigned levels_left_ = 3000;  // the stand-in compares terms recursively
    bool exact_ = true;
    bool has_map_ = false;
    bool tagged_ = false;
};

}  // namespace fuzz
