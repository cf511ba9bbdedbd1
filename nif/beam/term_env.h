// SPDX-License-Identifier: Apache-2.0
// term_env.h: an environment for terms that belong to no process.
// Threads: one at a time; may be made on one thread and freed on another.
#pragma once

#include <erl_nif.h>

#include <memory>
#include <new>

namespace nif {

struct FreeTermEnv {
    void operator()(ErlNifEnv* env) const noexcept { enif_free_env(env); }
};
using TermEnv = std::unique_ptr<ErlNifEnv, FreeTermEnv>;

inline TermEnv make_term_env() {
    ErlNifEnv* env = enif_alloc_env();
    if (env == nullptr) throw std::bad_alloc{};
    return TermEnv{env};
}

// A copy of `term` in an environment of its own.
struct OwnedTerm {
    OwnedTerm() = default;
    explicit OwnedTerm(ERL_NIF_TERM source)
        : env(make_term_env()), term(enif_make_copy(env.get(), source)) {}
    TermEnv env;
    ERL_NIF_TERM term = 0;
};

}  // namespace nif
