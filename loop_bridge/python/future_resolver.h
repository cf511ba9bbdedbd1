// SPDX-License-Identifier: Apache-2.0
// future_resolver.h: futures of one loop that wait for completions.
// Threads: everything with the GIL; resolve() on the loop's thread, since futures call back there.
// Owns:    each future from open() until its call ends or is forgotten.
#pragma once

#include "loop_bridge/call_meter.h"
#include "loop_bridge/python/arrival.h"

namespace loop_bridge {

class FutureResolver {
public:
    FutureResolver(Gil gil, CallMeter& meter);

    CallId open(Gil gil, PyRef future, PyRef name, CallMeter::Ticket ticket);

    // Drops the future of a call that nobody waits for any longer; its completion will be stale.
    bool forget(Gil gil, CallId id);

    // Sets the result or the exception on the call's future. Never throws: what goes wrong with a
    // value becomes the future's exception.
    void resolve(Gil gil, PyObject* module, const Completion& completion) noexcept;

    // Ends every call with the exception that `make(name)` returns, or with what it throws.
    template <class MakeError>
    void fail_all(Gil gil, MakeError&& make) noexcept {
        calls_.drain([&](CallId, PendingCall&& call) {
            try {
                settle(gil, call.future, set_exception_.get(), make(call.name.get()).get());
            } catch (const PyError&) {
                settle_with_error(gil, call.future);
            }
        });
    }
    // Lets go of all futures without ending them: their loop is closed.
    void drop_all(Gil gil);

    std::size_t size() const noexcept { return calls_.size(); }
    int traverse(visitproc visit, void* arg) const;

private:
    struct PendingCall {
        PyRef future;
        PyRef name;
        CallMeter::Ticket ticket;
    };

    void settle_with_error(Gil gil, const PyRef& future) noexcept;
    void settle(Gil gil, const PyRef& future, PyObject* method, PyObject* value) noexcept;

    CallSlots<PendingCall> calls_;
    CallMeter& meter_;
    PyRef set_result_;
    PyRef set_exception_;
};

}  // namespace loop_bridge
