// SPDX-License-Identifier: Apache-2.0
// nif_argument.h: from an Erlang term to a parameter of a C++ function. A type becomes a type of
// arguments by a specialisation of Argument, whose read() refuses wrong terms.
// Threads: the scheduler thread that runs the NIF.
//
//     parameter                 argument
//     ERL_NIF_TERM              any term
//     UInt64, int               an integer
//     T&, ResourcePtr<T>        a resource of a class T with a kErlangType
#pragma once

#include <erl_nif.h>

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "nif/beam/resource.h"

namespace nif {

// Thrown for a wrong argument. The caller gets {badarg, Text}; the shell prints the text.
class BadArgument : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A term at its place among the arguments of a NIF.
struct GivenArgument {
    ErlNifEnv* env;
    ERL_NIF_TERM term;
    int position;  // 1 is the first

    // `why` goes on after "argument 2", e.g. "must be a list".
    [[noreturn]] void refuse(const std::string& why) const {
        throw BadArgument{"argument " + std::to_string(position) + " " + why};
    }
};

// ERL_NIF_TERM itself is an unsigned integer, so this type is needed to tell them apart.
struct UInt64 {
    std::uint64_t value;
};

template <class T>
struct Argument;

template <>
struct Argument<ERL_NIF_TERM> {
    static ERL_NIF_TERM read(const GivenArgument& given) noexcept { return given.term; }
};

template <>
struct Argument<UInt64> {
    static UInt64 read(const GivenArgument& given) {
        ErlNifUInt64 value = 0;
        if (enif_get_uint64(given.env, given.term, &value) == 0) {
            given.refuse("must be an integer from 0 to 2^64 - 1");
        }
        return {value};
    }
};

template <>
struct Argument<int> {
    static int read(const GivenArgument& given) {
        int value = 0;
        if (enif_get_int(given.env, given.term, &value) == 0) {
            given.refuse("must be an integer of at most 32 bits");
        }
        return value;
    }
};

// The argument keeps the object alive while the NIF runs.
template <class T>
requires std::convertible_to<decltype(T::kErlangType), std::string>
struct Argument<T> {
    static T& read(const GivenArgument& given) {
        T* object = Resource<T>::get(given.env, given.term);
        if (object == nullptr) given.refuse(std::string{"must be a "} + T::kErlangType);
        return *object;
    }
};

template <class T>
struct Argument<ResourcePtr<T>> {
    static ResourcePtr<T> read(const GivenArgument& given) {
        return ResourcePtr<T>::share(&Argument<T>::read(given));
    }
};

}  // namespace nif
