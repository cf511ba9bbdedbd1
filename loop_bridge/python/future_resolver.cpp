// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/future_resolver.h"

namespace loop_bridge {

FutureResolver::FutureResolver(Gil, CallMeter& meter)
    : meter_(meter),
      set_result_(PyRef::steal(PyUnicode_InternFromString("set_result"))),
      set_exception_(PyRef::steal(PyUnicode_InternFromString("set_exception"))) {}

CallId FutureResolver::open(Gil, PyRef future, PyRef name, CallMeter::Ticket ticket) {
    return calls_.open(PendingCall{std::move(future), std::move(name), std::move(ticket)});
}

bool FutureResolver::forget(Gil, CallId id) { return calls_.take(id).has_value(); }

void FutureResolver::drop_all(Gil) {
    calls_.drain([](CallId, PendingCall&&) {});
    // The destructors of futures may run Python code that uses this object. An empty deque would
    // need memory.
    while (!abandoned_.empty()) {
        const auto dropped = std::move(abandoned_.front());
        abandoned_.pop_front();
    }
}

bool FutureResolver::abandon(Gil, CallId id, const Reason& reason) {
    auto call = calls_.take(id);
    if (call) abandoned_.emplace_back(std::move(*call), reason);
    return call.has_value();
}

void FutureResolver::abandon_all(Gil, const Reason& reason) {
    calls_.drain(
        [&](CallId, PendingCall&& call) { abandoned_.emplace_back(std::move(call), reason); });
}

void FutureResolver::resolve(Gil gil, PyObject* module, const Completion& completion) noexcept {
    auto call = calls_.take(completion.id());
    if (!call) {
        meter_.count_stale();
        return;
    }
    try {
        const PyRef value = completion.value(gil, module, call->name.get());
        PyObject* method = completion.succeeded() ? set_result_.get() : set_exception_.get();
        settle(gil, call->future, method, value.get());
    } catch (...) {
        set_handled_exception(gil);
        settle_with_error(gil, call->future);
    }
}

// Settles the future with the exception that is pending in this thread.
void FutureResolver::settle_with_error(Gil gil, const PyRef& future) noexcept {
    if (PyObject* error = take_error(gil)) {
        settle(gil, future, set_exception_.get(), error);
        Py_DECREF(error);
    }
}

void FutureResolver::settle(Gil, const PyRef& future, PyObject* method, PyObject* value) noexcept {
    PyObject* done = PyObject_CallMethodOneArg(future.get(), method, value);
    if (done != nullptr) {
        Py_DECREF(done);
        return;
    }
    // Other code has settled the future already, as it may, or the future's loop is closed and
    // can't call back. A pending error would corrupt the next completion.
    PyErr_Clear();
}

int FutureResolver::traverse(visitproc visit, void* arg) const {
    int stop = 0;
    const auto show = [&](const PendingCall& call) {
        if (stop == 0 && call.future) stop = visit(call.future.get(), arg);
    };
    calls_.for_each([&](CallId, const PendingCall& call) { show(call); });
    for (const auto& abandoned : abandoned_) show(abandoned.first);
    return stop;
}

}  // namespace loop_bridge
