// SPDX-License-Identifier: Apache-2.0
#include "nif/request.h"

#include "loop_bridge/python/drop_queue.h"
#include "nif/janitor.h"
#include "nif/thread_caller.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

RequestHandle::RequestHandle(const ErlNifPid& caller, ERL_NIF_TERM ref)
    : caller_(caller), ref_(ref) {}

RequestHandle::~RequestHandle() {
    if (cancel_ != nullptr) loop_bridge::DropQueue::push(cancel_);
}

bool RequestHandle::watch(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self) {
    return enif_monitor_process(env, self.cell(), &self->caller_, &self->monitor_) == 0;
}

bool RequestHandle::abandon(const ResourcePtr<RequestHandle>& self) noexcept {
    auto pending = State::kPending;
    if (!self->state_.compare_exchange_strong(pending, State::kAbandoned)) {
        return pending == State::kAbandoned;
    }
    Janitor::instance().interrupt(self);
    return true;
}

void RequestHandle::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept {
    abandon(ResourcePtr<RequestHandle>::share(this));
}

void RequestHandle::answer(TermEnv env, ERL_NIF_TERM result) noexcept {
    auto pending = State::kPending;
    if (!state_.compare_exchange_strong(pending, State::kAnswered)) return;
    const ERL_NIF_TERM message = enif_make_tuple3(env.get(), enif_make_atom(env.get(), "py_result"),
                                                  enif_make_copy(env.get(), ref_.term), result);
    enif_send(nullptr, &caller_, env.get(), message);
}

void RequestHandle::answer_error(const char* reason) noexcept {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM result = enif_make_tuple2(env.get(), enif_make_atom(env.get(), "error"),
                                                 enif_make_atom(env.get(), reason));
    answer(std::move(env), result);
}

void RequestHandle::begin(Gil, ThreadCaller& runner) noexcept {
    runner_ = &runner;
    thread_ = PyThread_get_thread_ident();
}

void RequestHandle::begin(Gil, PyRef cancel) noexcept {
    // One of the two ways to be interrupted, not both.
    if (runner_ != nullptr) PyThreadState_SetAsyncExc(thread_, nullptr);
    runner_ = nullptr;
    Py_XSETREF(cancel_, cancel.release());
}

void RequestHandle::end(Gil) noexcept {
    if (runner_ != nullptr) {
        // An interrupt that came too late must not hit what this thread does next.
        PyThreadState_SetAsyncExc(thread_, nullptr);
        runner_ = nullptr;
    }
    Py_CLEAR(cancel_);
}

void RequestHandle::interrupt(Gil, PyObject* exception_type) noexcept {
    if (runner_ != nullptr) {
        PyThreadState_SetAsyncExc(thread_, exception_type);
        runner_->wake();
    } else if (cancel_ != nullptr) {
        PyRef cancel = PyRef::borrow(cancel_);
        PyObject* done = PyObject_CallNoArgs(cancel.get());
        if (done == nullptr) PyErr_Clear();  // the loop is closed: nothing is left to cancel
        Py_XDECREF(done);
    }
}

}  // namespace nif
