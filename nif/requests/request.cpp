// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request.h"

#include "nif/beam/messages.h"
#include "nif/interruption/interruptions.h"
#include "nif/requests/janitor.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

void interrupt_soon(const ResourcePtr<RequestHandle>& request) noexcept {
    Janitor::instance().push([=](Gil gil) { request->interrupt(gil, false); });
}

}  // namespace

RequestHandle::RequestHandle(const ErlNifPid& caller, ERL_NIF_TERM ref)
    : caller_{caller, OwnedTerm{ref}} {}

bool RequestHandle::watch(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self) {
    return enif_monitor_process(env, self.cell(), &self->caller_.pid, &self->monitor_) == 0;
}

bool RequestHandle::abandon(const ResourcePtr<RequestHandle>& self) noexcept {
    auto pending = State::kPending;
    if (!self->state_.compare_exchange_strong(pending, State::kAbandoned)) {
        return pending == State::kAbandoned;
    }
    interrupt_soon(self);
    return true;
}

void RequestHandle::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept {
    abandon(ResourcePtr<RequestHandle>::share(this));
}

void RequestHandle::disconnect(ErlNifEnv* env, const ResourcePtr<RequestHandle>& self) noexcept {
    auto pending = State::kPending;
    if (!self->state_.compare_exchange_strong(pending, State::kDisconnected)) return;
    TermEnv message_env = make_term_env();
    const ERL_NIF_TERM result = error_answer(message_env.get(), atoms.disconnected);
    self->caller_.answer(env, std::move(message_env), result);
    interrupt_soon(self);
}

bool RequestHandle::unwanted() const noexcept {
    const State state = state_.load();
    return state == State::kAbandoned || state == State::kDisconnected;
}

void RequestHandle::answer(TermEnv env, ERL_NIF_TERM result) noexcept {
    auto pending = State::kPending;
    if (!state_.compare_exchange_strong(pending, State::kAnswered)) return;
    caller_.answer(nullptr, std::move(env), result);
}

void RequestHandle::answer_error(ERL_NIF_TERM reason) noexcept {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM result = error_answer(env.get(), reason);
    answer(std::move(env), result);
}

void RequestHandle::begin(Gil, std::shared_ptr<Runner> runner) noexcept {
    runner_ = std::move(runner);
}

void RequestHandle::begin(Gil gil, PyRef cancel) noexcept {
    // A request is interrupted by an exception or by `cancel`, never by both.
    if (runner_ != nullptr) Interruptions::instance().settle(gil);
    runner_.reset();
    cancel_.reset(gil);
    cancel_ = loop_bridge::PyHandle{std::move(cancel)};
}

void RequestHandle::end(Gil gil) noexcept {
    runner_.reset();
    cancel_.reset(gil);
}

std::optional<unsigned long> RequestHandle::thread(Gil) const noexcept {
    if (runner_ == nullptr) return std::nullopt;
    return runner_->thread();
}

void RequestHandle::interrupt(Gil gil, bool insisting) noexcept {
    if (runner_ != nullptr) {
        runner_->interrupt(gil, *this, ++interruptions_, insisting);
    } else if (const PyRef cancel = cancel_.get(gil)) {
        PyObject* done = PyObject_CallNoArgs(cancel.get());
        if (done == nullptr) PyErr_Clear();  // the loop is closed: nothing is left to cancel
        Py_XDECREF(done);
    }
}

}  // namespace nif
