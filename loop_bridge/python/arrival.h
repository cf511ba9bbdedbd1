// SPDX-License-Identifier: Apache-2.0
// arrival.h: what comes in through the channel of a Python thread or loop.
// Threads: made on any thread; consumed by the channel's one consumer.
#pragma once

#include "loop_bridge/call_slots.h"
#include "loop_bridge/entry.h"
#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

enum class ArrivalKind : std::uint8_t {
    kCompletion,  // a call has ended
    kRequest,     // the other side wants Python code to run here
    kAttached,    // the channel's handler is there: calls may be sent
    kGone,        // the handler is gone: no call in flight will be answered any more
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

    // The call's value, or the exception instance that it ended with. `module` is the Python
    // module that owns the types values are made of; `name` is the called function's.
    virtual PyRef value(Gil gil, PyObject* module, PyObject* name) const = 0;

private:
    CallId id_;
    bool succeeded_;
};

}  // namespace loop_bridge
