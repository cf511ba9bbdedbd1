// SPDX-License-Identifier: Apache-2.0
#include "nif/loop_caller.h"

#include <algorithm>

#include "nif/nesting.h"
#include "nif/python_to_term.h"
#include "nif/request_object.h"
#include "nif/term_to_python.h"

namespace nif {

using loop_bridge::Arrival;
using loop_bridge::ArrivalKind;
using loop_bridge::CallId;
using loop_bridge::Completion;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::raise_python;

namespace {

constexpr std::size_t kSentAtOnce = 16;    // in flight, up to which each call is a message
constexpr std::size_t kMessageCalls = 64;  // gathered calls that make a full message
constexpr int kRounds = 4;                 // drains in one go before the loop has its turn

// Counts how deep the building of calls has nested.
class Building {
public:
    explicit Building(int& depth) noexcept : depth_(depth) { ++depth_; }
    ~Building() { --depth_; }
    Building(const Building&) = delete;
    Building& operator=(const Building&) = delete;

private:
    int& depth_;
};

}  // namespace

LoopCaller::LoopCaller(Gil gil, PyObject* owner, PyObject* module, PyObject* loop)
    : state_(ModuleState::of(module)),
      owner_(owner),
      module_(module),
      reader_(gil, loop),
      futures_(gil, Node::instance().meter),
      channel_(ResourcePtr<ChannelResource>::make()) {
    const PyRef drain = PyRef::steal(PyObject_GetAttrString(owner, "_drain"));
    reader_.watch(gil, channel_->channel().fd(), drain.get());
    if (!channel_->channel().arm()) channel_->channel().wake();
    state_.loops.push_back(this);
    ++Node::instance().loops;
}

PyRef LoopCaller::call(Gil gil, const CallArguments& call) {
    if (ended_) raise_python(gil, PyExc_RuntimeError, "Event loop is closed");
    // Whatever allocates Python objects may run Python code, and that may call Erlang on this very
    // loop. Its calls gather too; nothing is sent while terms of ours are being built.
    PyRef future;
    try {
        const Building building{building_};
        future = build(gil, call);
    } catch (const PyError&) {
        drop_garbage();
        throw;
    }
    if (gathered_.empty()) drop_garbage();
    send_or_gather(gil);
    return future;
}

// Terms of calls that were refused or forgotten before they were sent stay in the environment. With
// nothing else in it, it goes; else it goes with the message that is due anyway.
void LoopCaller::drop_garbage() noexcept {
    if (building_ > 0) return;
    if (gathered_.empty()) {
        gathered_env_.reset();
    } else {
        flush();
    }
}

PyRef LoopCaller::build(Gil gil, const CallArguments& call) {
    PyObject* name = call.name;
    const Nesting nesting = Nesting::current(gil, state_);
    // Before the arguments cost anything: an overload is the wrong time for that.
    bool exceeds = false;
    auto ticket = Node::instance().meter.admit(nesting.may_exceed(gil), exceeds);
    if (!ticket) return refused(gil, name, "overloaded", "too many calls are in flight");
    if (!gathered_env_) gathered_env_ = make_term_env();
    ErlNifEnv* env = gathered_env_.get();
    const ERL_NIF_TERM function = function_name_term(gil, env, name);
    const ERL_NIF_TERM arguments =
        python_args_to_list(gil, state_.types, env, call.args, call.count);
    const ERL_NIF_TERM options = nesting.options(gil, state_.types, env, call);
    if (!opened_) {
        opened_ = ChannelResource::open(channel_);
        if (!opened_) {
            return refused(gil, name, "disconnected",
                           "the application erlang_python is not running");
        }
    }
    PyRef future = make_future(gil);
    const CallId id = futures_.open(gil, future, PyRef::borrow(name), std::move(*ticket));
    const PyRef py_id = PyRef::steal(PyLong_FromUnsignedLongLong(id));
    if (PyObject_SetAttr(future.get(), state_.name_id.get(), py_id.get()) != 0 ||
        PyObject_SetAttr(future.get(), state_.name_channel.get(), owner_) != 0) {
        futures_.forget(gil, id);
        throw PyError{};
    }
    if (exceeds) nesting.exceed_by(gil, future);
    gathered_.push_back(
        {id, enif_make_tuple4(env, enif_make_uint64(env, id), function, arguments, options)});
    return future;
}

// A future that has failed already.
PyRef LoopCaller::refused(Gil gil, PyObject* name, const char* kind, const char* text) {
    PyRef future = make_future(gil);
    const PyRef error = make_call_error(gil, state_, kind, name, nullptr, text);
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
    if (!attached_ || gathered_.empty()) return;  // the arrival of the handler sends
    if (building_ == 0 && (futures_.size() <= kSentAtOnce || gathered_.size() >= kMessageCalls)) {
        flush();
    } else if (!flush_due_) {
        const PyRef flush = PyRef::steal(PyObject_GetAttrString(owner_, "_flush"));
        reader_.call_soon(gil, flush.get());
        flush_due_ = true;
    }
}

void LoopCaller::flush() noexcept {
    flush_due_ = false;
    if (!attached_ || building_ > 0 || gathered_.empty()) return;
    ErlNifEnv* env = gathered_env_.get();
    std::vector<ERL_NIF_TERM> calls;
    calls.reserve(gathered_.size());
    for (const Gathered& call : gathered_) calls.push_back(call.call);
    gathered_.clear();
    const ERL_NIF_TERM list =
        enif_make_list_from_array(env, calls.data(), static_cast<unsigned>(calls.size()));
    const ERL_NIF_TERM message = enif_make_tuple2(env, enif_make_atom(env, "async"), list);
    channel_->send(std::move(gathered_env_), message);
}

void LoopCaller::forget(Gil gil, CallId id) {
    if (!futures_.forget(gil, id) || ended_) return;
    const auto unsent = std::find_if(gathered_.begin(), gathered_.end(),
                                     [&](const Gathered& call) { return call.id == id; });
    if (unsent != gathered_.end()) {
        gathered_.erase(unsent);
        if (gathered_.empty()) drop_garbage();
        return;
    }
    TermEnv env = make_term_env();
    const ERL_NIF_TERM message = enif_make_tuple2(env.get(), enif_make_atom(env.get(), "cancel"),
                                                  enif_make_uint64(env.get(), id));
    channel_->send(std::move(env), message);
}

void LoopCaller::drain(Gil gil) {
    for (int round = 0; round < kRounds && !ended_; ++round) {
        channel_->channel().clear_wake();
        EntryList arrived = channel_->channel().take_all();
        while (EntryPtr entry = arrived.pop_front()) take(gil, std::move(entry));
        if (ended_ || channel_->channel().arm()) return;
    }
    if (!ended_) channel_->channel().wake();  // more has come: after the loop's other callbacks
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

// The channel itself stays: the next call asks for another handler.
void LoopCaller::lost(Gil gil) noexcept {
    opened_ = false;
    attached_ = false;
    gathered_.clear();
    gathered_env_.reset();
    futures_.fail_all(gil, [&](PyObject* name) {
        return make_call_error(gil, state_, "disconnected", name, nullptr,
                               "the Erlang process that handled it is gone");
    });
}

void LoopCaller::shutdown(Gil gil) noexcept {
    if (ended_) return;
    ended_ = true;
    std::erase(state_.loops, this);
    reader_.unwatch(gil, channel_->channel().fd());
    channel_->close();
    // Not only closed but let go of: whoever keeps the loop, as caches of web frameworks do, keeps
    // this object, but no descriptor.
    channel_.reset();
    opened_ = attached_ = false;
    gathered_.clear();
    drop_garbage();
    futures_.drop_all(gil);
    // Whether their tasks have ended or not: nobody is going to run them any more.
    for (const auto& handle : std::exchange(requests_, {})) {
        handle->end(gil);
        handle->answer_error("disconnected");
    }
    --Node::instance().loops;
}

}  // namespace nif
