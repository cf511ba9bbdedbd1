// SPDX-License-Identifier: Apache-2.0
// reply.h: the end of a call: the reply of Erlang, on its way to the Python thread that waits.
// Threads: made on scheduler threads by the NIFs reply and fail; used by the channel's consumer.
#pragma once

#include <optional>
#include <variant>

#include "loop_bridge/python/arrival.h"
#include "nif/beam/binaries.h"
#include "nif/beam/term_env.h"

namespace nif {

// The value of a call that succeeded. Small integers need no environment.
class Reply final : public loop_bridge::Completion {
public:
    Reply(loop_bridge::CallId id, ErlNifEnv* env, ERL_NIF_TERM value, Binaries binaries);
    loop_bridge::PyRef value(loop_bridge::Gil gil, PyObject* module, PyObject* name) const override;

private:
    std::variant<ErlNifSInt64, OwnedTerm> value_;
    Binaries binaries_;
};

// Why a call failed. The details are one term: {Kind, Reason, Stacktrace, Text}. `item` is the
// index of the item with which a map failed.
class Failure final : public loop_bridge::Completion {
public:
    Failure(loop_bridge::CallId id, ErlNifEnv* env, ERL_NIF_TERM kind, ERL_NIF_TERM reason,
            ERL_NIF_TERM stacktrace, ERL_NIF_TERM text, Binaries binaries,
            std::optional<std::uint64_t> item);
    loop_bridge::PyRef value(loop_bridge::Gil gil, PyObject* module, PyObject* name) const override;

private:
    OwnedTerm details_;
    Binaries binaries_;  // of the reason; the other details are texts
    std::optional<std::uint64_t> item_;
};

}  // namespace nif
