// SPDX-License-Identifier: Apache-2.0
// nif_entry.h: where the BEAM enters C++. The one place that turns C++ exceptions into Erlang's.
// Threads: scheduler threads, dirty ones for large terms. No NIF touches Python or blocks.
#pragma once

#include <erl_nif.h>

#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "nif/beam/atoms.h"
#include "nif/beam/term_size.h"

namespace nif {

// Thrown for arguments of the wrong type: the caller gets `badarg'.
class BadArgument : public std::exception {
public:
    const char* what() const noexcept override { return "bad argument"; }
};

using NifBody = ERL_NIF_TERM (*)(ErlNifEnv*, const ERL_NIF_TERM[]);

// Wraps a NIF's body for the table.
template <NifBody kBody>
ERL_NIF_TERM nif_entry(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) noexcept {
    try {
        return kBody(env, argv);
    } catch (const BadArgument&) {
        return enif_make_badarg(env);
    } catch (const std::system_error& error) {
        // For example no threads or descriptors are left: {system_error, "pthread_create: ..."}.
        return enif_raise_exception(
            env, enif_make_tuple2(env, atoms.system_error,
                                  enif_make_string(env, error.what(), ERL_NIF_LATIN1)));
    } catch (const std::bad_alloc&) {
        return enif_raise_exception(env, atoms.enomem);
    }
}

// The same for a body that copies its arguments. Large arguments make it run on a dirty scheduler.
// `kName` is the name in the table, for stack traces.
template <NifBody kBody, const char* kName>
ERL_NIF_TERM nif_entry_sized(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) noexcept {
    if (are_large(env, {argv, static_cast<std::size_t>(argc)})) {
        return enif_schedule_nif(env, kName, ERL_NIF_DIRTY_JOB_CPU_BOUND, nif_entry<kBody>, argc,
                                 argv);
    }
    return nif_entry<kBody>(env, argc, argv);
}

}  // namespace nif
