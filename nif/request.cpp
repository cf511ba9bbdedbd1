// SPDX-License-Identifier: Apache-2.0
#include "nif/request.h"

#include "nif/janitor.h"
#include "nif/result_message.h"
#include "nif/thread_caller.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

RequestHandle::RequestHandle(const ErlNifPid& caller, ERL_NIF_TERM ref)
    : caller_(caller), ref_(ref) {}

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
    send_result(nullptr, caller_, ref_, std::move(env), result);
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

void RequestHandle::begin(Gil gil, PyRef cancel) noexcept {
    // One of the two ways to be interrupted, not both.
    if (runner_ != nullptr) PyThreadState_SetAsyncExc(thread_, nullptr);
    runner_ = nullptr;
    cancel_.reset(gil);
    cancel_ = loop_bridge::PyHandle{std::move(cancel)};
}

void RequestHandle::end(Gil gil) noexcept {
    if (runner_ != nullptr) {
        // An interrupt that came too late must not hit what this thread does next.
        PyThreadState_SetAsyncExc(thread_, nullptr);
        runner_ = nullptr;
    }
    cancel_.reset(gil);
}

void RequestHandle::interrupt(Gil gil, PyObject* exception_type) noexcept {
    if (runner_ != nullptr) {
        PyThreadState_SetAsyncExc(thread_, exception_type);
        runner_->wake();
    } else if (const PyRef cancel = cancel_.get(gil)) {
        PyObject* done = PyObject_CallNoArgs(cancel.get());
        if (done == nullptr) PyErr_Clear();  // the loop is closed: nothing is left to cancel
        Py_XDECREF(done);
    }
}

}  // namespace nif
