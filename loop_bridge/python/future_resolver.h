// SPDX-License-Identifier: Apache-2.0
// future_resolver.h: the futures of one loop that wait for completions.
// Threads: with the GIL; resolve() on the loop's thread, since futures call back there.
// Owns:    each future from open() until its call ends or is forgotten.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "loop_bridge/call_meter.h"
#include "loop_bridge/python/arrival.h"
#include "loop_bridge/python/py_entry.h"

namespace loop_bridge {

class FutureResolver {
public:
    FutureResolver(Gil gil, CallMeter& meter);

    CallId open(Gil gil, PyRef future, PyRef name, CallMeter::Ticket ticket);

    // Drops the future of a cancelled call. The call's completion will be stale.
    bool forget(Gil gil, CallId id);

    // Sets the result or the exception of the call's future. Never throws: if the value can't be
    // made, the error becomes the future's exception.
    void resolve(Gil gil, PyObject* module, const Completion& completion) noexcept;

    // Why a call fails without a reply.
    struct Reason {
        std::optional<double> timeout;  // the seconds that ran out; nothing: the handler is gone
    };
    // Marks the call to fail. Its completion will be stale. False if the call has ended.
    bool abandon(Gil gil, CallId id, const Reason& reason);
    // Marks all open calls to fail.
    void abandon_all(Gil gil, const Reason& reason);
    // Fails one marked call with the exception that `make(name, reason)` returns or throws. False
    // if no marked call is left.
    template <class MakeError>
    bool fail_one_abandoned(Gil gil, MakeError&& make) noexcept {
        if (abandoned_.empty()) return false;
        const auto [call, reason] = std::move(abandoned_.front());
        abandoned_.pop_front();
        try {
            settle(gil, call.future, set_exception_.get(), make(call.name.get(), reason).get());
        } catch (...) {
            set_handled_exception(gil);
            settle_with_error(gil, call.future);
        }
        return true;
    }
    // Drops all futures without ending them: their loop is closed.
    void drop_all(Gil gil);

    bool is_open(CallId id) noexcept { return calls_.find(id) != nullptr; }
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
    std::deque<std::pair<PendingCall, Reason>> abandoned_;
    CallMeter& meter_;
    PyRef set_result_;
    PyRef set_exception_;
};

}  // namespace loop_bridge
