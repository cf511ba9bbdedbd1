// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/loop_caller.h"

#include <algorithm>

#include "loop_bridge/turn.h"
#include "nif/beam/deeper.h"
#include "nif/calls/call_errors.h"
#include "nif/calls/encoded_call.h"
#include "nif/requests/request_object.h"

namespace nif {

using loop_bridge::Arrival;
using loop_bridge::ArrivalKind;
using loop_bridge::CallId;
using loop_bridge::Completion;
using loop_bridge::EntryPtr;
using loop_bridge::FutureResolver;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::raise_python;
using loop_bridge::Turn;

namespace {

constexpr std::size_t kSentAtOnce = 16;    // calls in flight; up to these, each call is a message
constexpr std::size_t kMessageCalls = 64;  // gathered calls that make a full message
constexpr int kRounds = 4;                 // rounds of one drain(): entries arrive meanwhile

// A call or a map in the message {calls, _}. The items of a map are no calls in flight: the limit
// of calls in flight bounds how many of them run at once.
ERL_NIF_TERM message_part(ErlNifEnv* env, CallId id, const CallArguments& call,
                          const CallTerms& terms) {
    if (!call.map) return gathered_call(env, id, terms);
    const std::uint64_t limit = Bridge::instance().meter.limit();
    return gathered_map(env, id, terms, std::min(call.map->concurrency.value_or(limit), limit));
}

}  // namespace

LoopCaller::LoopCaller(Gil gil, PyObject* owner, PyObject* module, PyObject* loop)
    : state_(ModuleState::of(module)),
      owner_(owner),
      module_(module),
      reader_(gil, loop),
      futures_(gil, Bridge::instance().meter),
      channel_(ResourcePtr<ChannelResource>::make()),
      spin_(Bridge::instance().max_spin()) {
    const PyRef drain = PyRef::steal(PyObject_GetAttrString(owner, "_drain"));
    state_.loops.reserve(state_.loops.size() + 1);  // nothing may fail once the loop watches
    reader_.watch(gil, channel_->channel().fd(), drain.get());
    if (!channel_->channel().arm()) channel_->channel().wake();
    state_.loops.push_back(this);
    ++Bridge::instance().loops;
}

PyRef LoopCaller::call(Gil gil, const CallArguments& call) {
    if (ended_) raise_python(gil, PyExc_RuntimeError, "Event loop is closed");
    // Allocating Python objects may run Python code, which may call Erlang on this very loop. Such
    // calls are gathered too. Nothing is sent while terms are under construction.
    PyRef future;
    try {
        const Deeper building{building_};
        future = build(gil, call);
    } catch (...) {
        drop_garbage();
        throw;
    }
    if (gathered_.empty()) drop_garbage();
    send_or_gather(gil);
    return future;
}

// Terms of refused calls stay in the environment. If no other call uses the environment, free it.
// Otherwise send the pending message, which frees it.
void LoopCaller::drop_garbage() {
    if (building_ > 0) return;
    if (gathered_.empty()) {
        gathered_env_.reset();
    } else {
        flush();
    }
}

PyRef LoopCaller::build(Gil gil, const CallArguments& call) {
    const CallErrors errors{gil, state_, call.name};
    const Nesting nesting = Nesting::current(gil, state_);
    auto encoded =
        encode_call(gil, state_, call, nesting, nesting.may_use_overdraft(gil), gathered_env_);
    if (!encoded) return failed_future(gil, errors.too_many_calls());
    if (!opened_) opened_ = ChannelResource::open(channel_, ChannelKind::kLoop);
    if (!opened_) return failed_future(gil, errors.not_running());
    const bool over_limit = encoded->ticket.over_limit();
    PyRef future = make_future(gil);
    const CallId id =
        futures_.open(gil, future, PyRef::borrow(call.name), std::move(encoded->ticket));
    try {
        const PyRef py_id = PyRef::steal(PyLong_FromUnsignedLongLong(id));
        if (PyObject_SetAttr(future.get(), state_.name_id.get(), py_id.get()) != 0 ||
            PyObject_SetAttr(future.get(), state_.name_channel.get(), owner_) != 0) {
            throw PyError{};
        }
        if (over_limit) nesting.set_overdraft(gil, future);
        gathered_.push_back({id, message_part(gathered_env_.get(), id, call, encoded->terms)});
    } catch (...) {
        futures_.forget(gil, id);
        throw;
    }
    return future;
}

PyRef LoopCaller::failed_future(Gil gil, const PyRef& error) {
    PyRef future = make_future(gil);
    PyRef::steal(PyObject_CallMethod(future.get(), "set_exception", "O", error.get()));
    return future;
}

PyRef LoopCaller::make_future(Gil gil) {
    const PyRef loop = reader_.loop(gil);
    PyObject* arguments[] = {loop.get()};
    return PyRef::steal(
        PyObject_Vectorcall(state_.call_type.get(), arguments, 0, state_.keyword_loop.get()));
}

void LoopCaller::send_or_gather(Gil gil) {
    if (!attached_ || gathered_.empty()) return;  // take() sends when the handler arrives
    if (building_ == 0 && (futures_.size() <= kSentAtOnce || gathered_.size() >= kMessageCalls)) {
        flush();
        if (futures_.size() == 1) look_soon(gil);
    } else {
        flush_soon(gil);
    }
}

// Meanwhile the channel is not armed: the reply wakes nobody.
void LoopCaller::look_soon(Gil gil) {
    if (look_due_ || !arrived_.empty() || !spin_.begin()) return;
    const PyRef look = PyRef::steal(PyObject_GetAttrString(owner_, "_look"));
    reader_.call_soon(gil, look.get());
    look_due_ = true;
    arrived_ = channel_->channel().take_all();
}

void LoopCaller::look(Gil gil) {
    look_due_ = false;
    if (ended_) return;
    if (futures_.size() == 1) spin_.look(gil, reader_, channel_->channel());
    take_turn(gil);
}

void LoopCaller::flush_soon(Gil gil) {
    if (flush_due_) return;
    const PyRef flush = PyRef::steal(PyObject_GetAttrString(owner_, "_flush"));
    reader_.call_soon(gil, flush.get());
    flush_due_ = true;
}

void LoopCaller::flush() {
    flush_due_ = false;
    if (!attached_ || building_ > 0) return;
    try {
        send_calls();
        send_stops();
    } catch (...) {
        channel_->channel().wake();  // drain() tries again
        throw;
    }
}

void LoopCaller::send_calls() {
    if (gathered_.empty()) return;
    ErlNifEnv* env = gathered_env_.get();
    std::vector<ERL_NIF_TERM> calls;
    calls.reserve(gathered_.size());
    for (const Gathered& call : std::exchange(gathered_, {})) {
        // Leave out calls that were forgotten before they were sent.
        if (futures_.is_open(call.id)) calls.push_back(call.call);
    }
    if (calls.empty()) return gathered_env_.reset();
    const ERL_NIF_TERM message = calls_message(env, calls);
    channel_->send(std::move(gathered_env_), message);
}

// May include calls that were never sent. The handler ignores their ids.
void LoopCaller::send_stops() {
    if (stopped_.empty()) return;
    TermEnv env = make_term_env();
    const ERL_NIF_TERM message = cancel_message(env.get(), std::exchange(stopped_, {}));
    channel_->send(std::move(env), message);
}

void LoopCaller::tell_ready(const ErlNifPid& process) const {
    const TermEnv env = make_term_env();
    enif_send(nullptr, &process, env.get(),
              loop_ready_message(env.get(), channel_.term(env.get())));
}

void LoopCaller::forget(Gil gil, CallId id) {
    if (futures_.forget(gil, id)) stop(gil, id);
}

void LoopCaller::expire(Gil gil, CallId id, double seconds) {
    if (!futures_.abandon(gil, id, {seconds}) || ended_) return;
    channel_->channel().wake();
    stop(gil, id);
}

void LoopCaller::stop(Gil gil, CallId id) {
    if (!attached_ || ended_) return;
    stopped_.push_back(id);
    // Do not send the gathered calls: they may be the next to be stopped.
    if (futures_.size() <= kSentAtOnce) return send_stops();
    // Stops of many calls wait for the next turn. Otherwise the ending Erlang processes would take
    // the processor from the code that cancels.
    try {
        flush_soon(gil);
    } catch (const PyError&) {
        // The loop is closed and has no next turn.
        PyErr_Clear();
        send_stops();
    }
}

void LoopCaller::drain(Gil gil) {
    if (ended_) return;
    channel_->channel().clear_wake();
    take_turn(gil);
}

void LoopCaller::take_turn(Gil gil) {
    try {
        drain_turn(gil);
    } catch (...) {
        // Python reports the exception. The remaining arrivals come in the next turn.
        if (!ended_) channel_->channel().wake();
        throw;
    }
}

void LoopCaller::drain_turn(Gil gil) {
    if (!flush_due_) flush();  // after a failure; otherwise nothing is gathered
    Turn turn;
    for (int round = 0; round < kRounds; ++round) {
        if (arrived_.empty()) arrived_ = channel_->channel().take_all();
        while (take_next(gil)) {
            if (ended_) return;
            if (turn.over()) return channel_->channel().wake();
        }
        if (channel_->channel().arm()) return;
    }
    channel_->channel().wake();  // more has arrived; the loop's other callbacks go first
}

// False if nothing is left of the taken entries.
bool LoopCaller::take_next(Gil gil) {
    const bool failed =
        futures_.fail_one_abandoned(gil, [&](PyObject* name, const FutureResolver::Reason& reason) {
            const CallErrors errors{gil, state_, name};
            return reason.timeout ? errors.no_reply_within(*reason.timeout) : errors.handler_gone();
        });
    if (failed) return true;
    EntryPtr entry = arrived_.pop_front();
    if (!entry) return false;
    take(gil, std::move(entry));
    return true;
}

void LoopCaller::take(Gil gil, EntryPtr entry) {
    switch (static_cast<Arrival&>(*entry).kind()) {
        case ArrivalKind::kCompletion:
            futures_.resolve(gil, module_, static_cast<const Completion&>(*entry));
            break;
        case ArrivalKind::kAttached:
            attached_ = true;
            flush();
            break;
        case ArrivalKind::kGone:
            lost(gil);
            break;
        case ArrivalKind::kRequest:
            start(gil, static_cast<Request&>(*entry));
            break;
    }
}

void LoopCaller::start(Gil gil, Request& request) {
    if (requests_.size() >= next_look_) {
        std::erase_if(requests_, [](const auto& handle) { return handle->settled(); });
        next_look_ = 2 * requests_.size() + 16;
    }
    requests_.push_back(request.handle());
    start_coroutine(gil, module_, request);
}

// The channel stays open. The next call asks for another handler.
void LoopCaller::lost(Gil gil) {
    opened_ = false;
    attached_ = false;
    gathered_.clear();
    gathered_env_.reset();
    stopped_.clear();
    futures_.abandon_all(gil, {});
}

void LoopCaller::shutdown(Gil gil) noexcept {
    if (ended_) return;
    ended_ = true;
    std::erase(state_.loops, this);
    reader_.unwatch(gil, channel_->channel().fd());
    channel_->close();
    // Release the channel, not only close it. Caches of web frameworks may keep the loop and so
    // this object, but must not keep the descriptor.
    channel_.reset();
    arrived_ = {};
    opened_ = attached_ = false;
    gathered_.clear();
    if (building_ == 0) gathered_env_.reset();
    futures_.drop_all(gil);
    // Whether their tasks have ended or not: the loop never runs them again.
    for (const auto& handle : std::exchange(requests_, {})) {
        handle->end(gil);
        handle->answer_error(atoms.disconnected);
    }
    --Bridge::instance().loops;
}

}  // namespace nif
