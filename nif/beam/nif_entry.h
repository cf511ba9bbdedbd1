// SPDX-License-Identifier: Apache-2.0
// nif_entry.h: where the BEAM enters C++. A function becomes a NIF by a line of the table:
//
//     ERL_NIF_TERM reply(ErlNifEnv* env, Channel& channel, UInt64 id, ERL_NIF_TERM value);
//     ErlNifFunc functions[] = {nif_entry<"reply", reply>()};
//
// The signature is the whole declaration: it determines the arity, and how each argument is read.
// This is the one place that turns C++ exceptions into Erlang's; none gets through to the BEAM.
// Threads: scheduler threads, dirty ones for large terms. No NIF touches Python or blocks.
#pragma once

#include <erl_nif.h>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "nif/beam/nif_argument.h"
#include "nif/beam/term_size.h"

namespace nif {

// A parameter of this type is the process that calls the NIF. It takes no argument, and neither
// does a parameter of type ErlNifEnv*.
struct CallingProcess {
    ErlNifPid pid;
};

// Raises the C++ exception that is being handled in the calling process:
//     BadArgument         {badarg, "argument 2 must be ..."}
//     std::system_error   {system_error, Text}, e.g. if no threads or descriptors are left
//     std::bad_alloc      enomem
//     any other           {native_error, Text}
ERL_NIF_TERM raise_handled_exception(ErlNifEnv* env) noexcept;

// For load and upgrade: whether `body` succeeded.
template <class Body>
int load_entry(Body&& body) noexcept {
    try {
        return std::forward<Body>(body)() ? 0 : 1;
    } catch (...) {
        return 1;
    }
}

// The name of a NIF as a template argument.
template <std::size_t kSize>
struct NifName {
    // NOLINTNEXTLINE(google-explicit-constructor): a string literal is the name
    constexpr NifName(const char (&name)[kSize]) { std::copy_n(name, kSize, text); }
    char text[kSize]{};
};

template <class Function>
struct NifSignature;

template <class... Parameters>
struct NifSignature<ERL_NIF_TERM (*)(Parameters...)> {
    template <class Parameter>
    static constexpr bool kIsArgument =
        !std::is_same_v<Parameter, ErlNifEnv*> && !std::is_same_v<Parameter, CallingProcess>;

    static constexpr int kArity = (0 + ... + static_cast<int>(kIsArgument<Parameters>));

    template <auto kBody>
    static ERL_NIF_TERM call([[maybe_unused]] ErlNifEnv* env,
                             [[maybe_unused]] const ERL_NIF_TERM argv[]) {
        [[maybe_unused]] int read = 0;  // arguments so far; the braces read them in order
        std::tuple<decltype(parameter<Parameters>(env, argv, read))...> parameters{
            parameter<Parameters>(env, argv, read)...};
        return std::apply(kBody, std::move(parameters));
    }

private:
    template <class Parameter>
    static decltype(auto) parameter(ErlNifEnv* env, [[maybe_unused]] const ERL_NIF_TERM argv[],
                                    [[maybe_unused]] int& read) {
        if constexpr (std::is_same_v<Parameter, ErlNifEnv*>) {
            return env;
        } else if constexpr (std::is_same_v<Parameter, CallingProcess>) {
            CallingProcess caller{};
            enif_self(env, &caller.pid);  // a NIF that is called always has a process
            return caller;
        } else {
            const int index = read++;
            return Argument<std::remove_cvref_t<Parameter>>::read({env, argv[index], index + 1});
        }
    }
};

template <auto kBody>
ERL_NIF_TERM run_nif(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) noexcept {
    try {
        return NifSignature<decltype(kBody)>::template call<kBody>(env, argv);
    } catch (...) {
        return raise_handled_exception(env);
    }
}

template <NifName kName, auto kBody>
ERL_NIF_TERM run_sized_nif(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) noexcept {
    if (are_large(env, {argv, static_cast<std::size_t>(argc)})) {
        return enif_schedule_nif(env, kName.text, ERL_NIF_DIRTY_JOB_CPU_BOUND, run_nif<kBody>, argc,
                                 argv);
    }
    return run_nif<kBody>(env, argc, argv);
}

// A line of the table of NIFs.
template <NifName kName, auto kBody>
constexpr ErlNifFunc nif_entry() noexcept {
    return {kName.text, NifSignature<decltype(kBody)>::kArity, run_nif<kBody>, 0};
}

// The same for a body that copies its arguments. Large arguments make it run on a dirty scheduler.
template <NifName kName, auto kBody>
constexpr ErlNifFunc nif_entry_sized() noexcept {
    return {kName.text, NifSignature<decltype(kBody)>::kArity, run_sized_nif<kName, kBody>, 0};
}

}  // namespace nif
