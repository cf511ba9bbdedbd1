// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/context_resource.h"

#include <optional>
#include <string>
#include <utility>

#include "loop_bridge/blocking_waiter.h"
#include "nif/beam/contain.h"
#include "nif/beam/lock.h"
#include "nif/beam/messages.h"
#include "nif/node/module_state.h"
#include "nif/node/native_thread.h"
#include "nif/requests/janitor.h"
#include "nif/requests/request_scope.h"
#include "nif/requests/request_thread.h"

namespace nif {

using loop_bridge::Arrival;
using loop_bridge::ArrivalKind;
using loop_bridge::BlockingWaiter;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilAcquire;
using loop_bridge::GilRelease;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// The channel of a context carries requests, and kGone for the context's end.
Request* as_request(const EntryPtr& entry) noexcept {
    const bool end = static_cast<Arrival&>(*entry).kind() == ArrivalKind::kGone;
    return end ? nullptr : static_cast<Request*>(entry.get());
}

void refuse(ErlNifEnv* env, EntryList entries) noexcept {
    while (const EntryPtr entry = entries.pop_front()) {
        if (Request* request = as_request(entry)) {
            RequestHandle::disconnect(env, request->take_handle());
        }
    }
}

// begin_thread() and end_thread() only serve the logs. Their failure must not refuse requests.
void call_or_complain(Gil, const PyRef& function) noexcept {
    PyObject* done = PyObject_CallNoArgs(function.get());
    if (done == nullptr) PyErr_WriteUnraisable(function.get());
    Py_XDECREF(done);
}

// The stack of the thread that runs the request. Nothing if the request has just ended.
std::optional<std::string> stack_of(Gil gil, const ModuleState& state,
                                    const RequestHandle& request) {
    const auto thread = request.thread(gil);
    if (!thread) return std::nullopt;
    try {
        const PyRef text =
            PyRef::steal(PyObject_CallFunction(state.describe_stack.get(), "k", *thread));
        if (const char* utf8 = PyUnicode_AsUTF8(text.get())) return utf8;
    } catch (const PyError&) {
    }
    PyErr_Clear();
    return std::nullopt;
}

}  // namespace

ContextResource::ContextResource(const ErlNifPid& owner, ERL_NIF_TERM ref, PyObject* module)
    : channel_(Bridge::instance().wake_kind.load()),
      module_(module),
      owner_{owner, OwnedTerm{ref}},
      epoch_(Bridge::instance().application_epoch),
      end_(std::make_unique<Arrival>(ArrivalKind::kGone)),
      mutex_(enif_mutex_create(const_cast<char*>("erlang_python_context"))) {
    ++Bridge::instance().contexts;
}

ContextResource::~ContextResource() {
    enif_mutex_destroy(mutex_);
    --Bridge::instance().contexts;
}

void ContextResource::start(ErlNifEnv* env, const ResourcePtr<ContextResource>& self) {
    // Close the context when its creator dies. Nobody else is certain to.
    enif_monitor_process(env, self.cell(), &self->owner_.pid, nullptr);
    start_native_thread("py-context", [self] {
        contain("py-context", [&] { self->run(); });
        self->ended();
    });
}

bool ContextResource::submit(EntryPtr& request) noexcept {
    const Lock lock{mutex_};
    return !closing_ && channel_.push(request);
}

void ContextResource::close() noexcept {
    const Lock lock{mutex_};
    if (closing_) return;
    closing_ = true;
    // The thread itself closes the channel after the queued requests.
    static_cast<void>(channel_.push(end_));  // refused if the channel is closed already
}

void ContextResource::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept { close(); }

void ContextResource::give_up() noexcept {
    close();
    const Lock lock{mutex_};
    // The abandoned request may have ended just now. Then the pool's own reset runs, and its
    // request is still wanted: never interrupt it.
    if (!current_ || !current_->unwanted()) return;
    if (stopped_) {
        Janitor::instance().push([request = current_](Gil gil) { request->interrupt(gil, true); });
    } else {
        const auto self = ResourcePtr<ContextResource>::share(this);
        Janitor::instance().push_slow([self, request = current_](Gil gil) {
            self->report_stuck(gil, *request);
            request->interrupt(gil, true);
        });
    }
}

void ContextResource::report_stuck(Gil gil, const RequestHandle& request) {
    const auto stack = stack_of(gil, ModuleState::of(module_), request);
    if (!stack) return;
    const Lock lock{mutex_};
    for (const ReplyTo& watcher : watchers_) {
        TermEnv env = make_term_env();
        const ERL_NIF_TERM answer = stuck_answer(env.get(), *stack);
        watcher.answer(nullptr, std::move(env), answer);
    }
}

void ContextResource::stop(ErlNifEnv* env) noexcept {
    {
        const Lock lock{mutex_};
        stopped_ = true;
    }
    Shut taken = shut();
    if (taken.current) RequestHandle::disconnect(env, taken.current);
    refuse(env, std::move(taken.arrived));
    refuse(env, std::move(taken.queued));
}

ContextResource::Shut ContextResource::shut() noexcept {
    const Lock lock{mutex_};
    return {std::move(arrived_), channel_.close(), current_};
}

void ContextResource::watch(ErlNifEnv* env, const ErlNifPid& watcher) {
    ReplyTo to{watcher, OwnedTerm{owner_.ref.term}};
    {
        const Lock lock{mutex_};
        if (!ended_) {
            watchers_.push_back(std::move(to));
            return;
        }
    }
    to.answer(env, atoms.ended);
}

void ContextResource::run() {
    const GilAcquire acquired;
    const Gil gil = acquired.gil();
    RequestThread::current().belong_to_epoch(epoch_);
    begin_context_thread();
    call_or_complain(gil, ModuleState::of(module_).begin_thread);
    owner_.answer(nullptr, atoms.ready);
    BlockingWaiter waiter{channel_, Bridge::instance().max_spin()};
    while (!channel_.closed()) {
        {
            const GilRelease released{gil};
            static_cast<void>(waiter.wait(std::nullopt));
            const Lock lock{mutex_};
            arrived_ = channel_.take_all();
        }
        run_arrived(gil);
    }
    call_or_complain(gil, ModuleState::of(module_).end_thread);
}

void ContextResource::run_arrived(Gil gil) {
    while (const EntryPtr entry = next()) {
        Request* request = as_request(entry);
        if (request == nullptr) {
            // The destructors of the entries refuse the requests behind kGone.
            const Shut refused = shut();
            return;
        }
        RequestThread::current().run(gil, module_, *request);
        ResourcePtr<RequestHandle> done;
        const Lock lock{mutex_};
        std::swap(done, current_);
    }
}

EntryPtr ContextResource::next() noexcept {
    const Lock lock{mutex_};
    EntryPtr entry = arrived_.pop_front();
    Request* request = entry ? as_request(entry) : nullptr;
    if (request != nullptr) current_ = request->handle();
    return entry;
}

void ContextResource::ended() noexcept {
    const Shut refused = shut();  // nothing is left, unless an exception has ended the thread
    std::vector<ReplyTo> watchers;
    {
        const Lock lock{mutex_};
        ended_ = true;
        std::swap(watchers, watchers_);
    }
    for (const ReplyTo& watcher : watchers) watcher.answer(nullptr, atoms.ended);
}

}  // namespace nif
