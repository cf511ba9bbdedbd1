// SPDX-License-Identifier: Apache-2.0
// arrival.h: the entries in the channel of a Python thread or loop.
// Threads: made on any thread; used by the channel's one consumer.
#pragma once

#include "loop_bridge/call_slots.h"
#include "loop_bridge/entry.h"
#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

enum class ArrivalKind : std::uint8_t {
    kCompletion,  // a call has ended
    kRequest,     // Erlang asks for Python code to run here
    kAttached,    // the channel's handler is ready: calls may be sent
    kGone,        // the handler is gone: no call in flight will get a reply
};

class Arrival : public Entry {
public:
    explicit Arrival(ArrivalKind kind) noexcept : kind_(kind) {}
    ArrivalKind kind() const noexcept { return kind_; }

private:
    ArrivalKind kind_;
};

class Completion : public Arrival {
public:
    Completion(CallId id, bool succeeded) noexcept
        : Arrival(ArrivalKind::kCompletion), id_(id), succeeded_(succeeded) {}
    CallId id() const noexcept { return id_; }
    bool succeeded() const noexcept { return succeeded_; }

    // The call's value, or the exception of the call. `module` is the Python module that owns the
    // types of the values. `name` is the name of the called function.
    virtual PyRef value(Gil gil, PyObject* module, PyObject* name) const = 0;

private:
    CallId id_;
    bool succeeded_;
};

}  // namespace loop_bridge
