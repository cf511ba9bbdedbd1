// SPDX-License-Identifier: Apache-2.0
#include "nif/thread_caller.h"

#include <algorithm>

#include "nif/channel_pool.h"
#include "nif/main_signals.h"
#include "nif/module_state.h"
#include "nif/nesting.h"
#include "nif/python_to_term.h"
#include "nif/request_runner.h"

namespace nif {

using loop_bridge::ArrivalKind;
using loop_bridge::Completion;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilRelease;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::raise_object;
using loop_bridge::WaitOutcome;

namespace {

[[noreturn]] void raise_call_error(Gil gil, PyObject* module, const char* kind, PyObject* name,
                                   const char* text) {
    const PyRef error = make_call_error(gil, ModuleState::of(module), kind, name, nullptr, text);
    raise_object(gil, error.get());
}

[[noreturn]] void raise_disconnected(Gil gil, PyObject* module, PyObject* name) {
    raise_call_error(gil, module, "disconnected", name,
                     "the Erlang process that handled it is gone");
}

}  // namespace

ThreadCaller::Line::Line(ResourcePtr<ChannelResource> resource)
    : channel(std::move(resource)), waiter(channel->channel(), Node::instance().max_spin()) {}

ThreadCaller& ThreadCaller::current() noexcept {
    // The one hook at a thread's end that works for every kind of thread.
    static thread_local ThreadCaller caller;
    return caller;
}

ThreadCaller::~ThreadCaller() {
    for (const auto& line : lines_) {
        if (line->closed) {
            line->channel->close();
        } else {
            ChannelPool::instance().put(line->channel);
        }
    }
}

PyRef ThreadCaller::call(Gil gil, PyObject* module, const CallArguments& call, Deadline deadline) {
    PyObject* name = call.name;
    const Nesting nesting = Nesting::current(gil, ModuleState::of(module));
    const bool nested =
        nesting.nested() || std::any_of(lines_.begin(), lines_.end(),
                                        [](const LinePtr& line) { return !line->frames.empty(); });
    if (start_ && *start_ != Node::instance().starts) {
        // Left behind when the application was stopped: the one of now is none of its business.
        raise_call_error(gil, module, "disconnected", name,
                         "the application erlang_python was stopped meanwhile");
    }
    const auto ticket = Node::instance().meter.admit(nested);
    if (!ticket) {
        raise_call_error(gil, module, "overloaded", name, "too many calls are in flight");
    }
    const auto& types = ModuleState::of(module).types;
    TermEnv env = make_term_env();
    const ERL_NIF_TERM function = function_name_term(gil, env.get(), name);
    const ERL_NIF_TERM arguments =
        python_args_to_list(gil, types, env.get(), call.args, call.count);
    const ERL_NIF_TERM options = nesting.options(gil, types, env.get(), call);

    const LinePtr line = ready_line(gil, module, name, deadline);
    Frame frame{line->channel->next_id(), nullptr};
    const ERL_NIF_TERM message =
        enif_make_tuple5(env.get(), enif_make_atom(env.get(), "call"),
                         enif_make_uint64(env.get(), frame.id), function, arguments, options);
    line->frames.push_back(&frame);
    line->channel->send(std::move(env), message);
    try {
        await_completion(gil, module, name, line, frame, deadline);
    } catch (const PyError&) {
        line->frames.pop_back();
        if (!frame.completion) give_up(gil, module, *line);
        retire(line);
        throw;
    }
    line->frames.pop_back();
    retire(line);
    raise_if_interrupted(gil);

    PyRef value = frame.completion->value(gil, module, name);
    if (frame.completion->succeeded()) return value;
    raise_object(gil, value.get());
}

ThreadCaller::LinePtr ThreadCaller::ready_line(Gil gil, PyObject* module, PyObject* name,
                                               Deadline deadline) {
    if (!lines_.empty() && (lines_.front()->closed || lines_.front()->channel->gone())) {
        // Calls further out, if any, hold the line and learn its end from it.
        lines_.front()->closed = true;
        lines_.front()->channel->close();
        lines_.erase(lines_.begin());
    }
    const bool own = !lines_.empty() && !lines_.front()->frames.empty() && deadline.has_value();
    if (!lines_.empty() && !own) return lines_.front();

    ResourcePtr<ChannelResource> channel = ChannelPool::instance().take();
    if (!channel) {
        channel = ResourcePtr<ChannelResource>::make();
        if (!ChannelResource::open(channel)) {
            channel->close();
            raise_call_error(gil, module, "disconnected", name,
                             "the application erlang_python is not running");
        }
    }
    auto line = std::make_shared<Line>(std::move(channel));
    const auto settled = [&] { return line->closed || line->channel->attached(); };
    try {
        if (!wait_until(gil, module, *line, deadline, settled)) {
            raise_call_error(gil, module, "timeout", name, "no handler in time");
        }
        if (line->closed) raise_disconnected(gil, module, name);
    } catch (const PyError&) {
        line->channel->close();
        throw;
    }
    lines_.push_back(line);
    return line;
}

void ThreadCaller::await_completion(Gil gil, PyObject* module, PyObject* name, const LinePtr& line,
                                    Frame& frame, Deadline deadline) {
    const auto settled = [&] { return frame.completion != nullptr || line->closed; };
    if (!wait_until(gil, module, *line, deadline, settled)) {
        raise_call_error(gil, module, "timeout", name, "no reply in time");
    }
    if (frame.completion) return;
    raise_if_interrupted(gil);
    if (!line->broken_by) raise_disconnected(gil, module, name);
    raise_object(gil, line->broken_by.get(gil).get());
}

// False when the deadline came first. Throws PyError for signals and interruption.
template <class Done>
bool ThreadCaller::wait_until(Gil gil, PyObject* module, Line& line, Deadline deadline,
                              Done&& done) {
    while (!done()) {
        if (PyErr_CheckSignals() != 0) throw PyError{};
        WaitOutcome outcome{};
        EntryList arrived;
        // Several requests may have arrived at once, of which only one is run in each round.
        // One that is interrupted does not wait, but looks: what has come goes first.
        const bool looks = interrupted(gil);
        if (looks) {
            arrived = line.channel->channel().take_all();
        } else if (line.requests.empty()) {
            awaited_ = &line.channel->channel();
            const GilRelease released{gil};
            const WokenBySignals woken{line.channel->channel()};
            outcome = line.waiter.wait(deadline);
            arrived = line.channel->channel().take_all();
        }
        awaited_ = nullptr;
        sort_in(line, std::move(arrived));
        if (outcome == WaitOutcome::kClosed) line.closed = true;
        if (done()) break;
        if (looks) raise_if_interrupted(gil);
        // It came after the last look, while this thread waited for the GIL.
        if (interrupted(gil)) continue;
        if (!line.requests.empty()) {
            const EntryPtr request = std::move(line.requests.front());
            line.requests.pop_front();
            run(gil, module, static_cast<Request&>(*request));
        } else if (outcome == WaitOutcome::kTimedOut) {
            return false;
        }
    }
    return true;
}

void ThreadCaller::sort_in(Line& line, EntryList arrived) noexcept {
    while (EntryPtr entry = arrived.pop_front()) {
        switch (static_cast<loop_bridge::Arrival&>(*entry).kind()) {
            case ArrivalKind::kCompletion: {
                auto& completion = static_cast<Completion&>(*entry);
                const auto frame =
                    std::find_if(line.frames.begin(), line.frames.end(),
                                 [&](const Frame* f) { return f->id == completion.id(); });
                if (frame == line.frames.end() || (*frame)->completion) {
                    Node::instance().meter.count_stale();
                } else {
                    static_cast<void>(entry.release());
                    (*frame)->completion.reset(&completion);
                }
                break;
            }
            case ArrivalKind::kRequest:
                line.requests.push_back(std::move(entry));
                break;
            case ArrivalKind::kGone:
                line.closed = true;
                break;
            case ArrivalKind::kAttached:
                break;
        }
    }
}

void ThreadCaller::run(Gil gil, PyObject* module, Request& request) noexcept {
    const ResourcePtr<RequestHandle> handle = request.take_handle();
    if (handle->unwanted()) return;
    running_.push_back({handle.get()});
    handle->begin(gil, *this);
    run_request(gil, module, *handle, request.body());
    handle->end(gil);
    running_.pop_back();
    // An interruption that came too late must not hit what this thread does next.
    forget_interruption(gil);
    if (running_.empty()) return;
    if (PyObject* owed = std::exchange(running_.back().owed, nullptr)) {
        PyThreadState_SetAsyncExc(thread_, owed);
    }
}

void ThreadCaller::interrupt(Gil, const RequestHandle& request, PyObject* type,
                             int times) noexcept {
    for (auto level = running_.rbegin(); level != running_.rend(); ++level) {
        if (level->interruptions < times) {
            ++level->interruptions;
            if (level == running_.rbegin()) {
                // By CPython itself, or in its wait.
                PyThreadState_SetAsyncExc(thread_, type);
                if (awaited_ != nullptr) awaited_->wake();
            } else {
                level->owed = type;
            }
        }
        if (level->request == &request) return;
    }
}

void ThreadCaller::forget_interruption(Gil gil) noexcept {
    if (interrupted(gil)) PyThreadState_SetAsyncExc(thread_, nullptr);
}

// What CPython raises in a thread's bytecode is raised in its waits too, and then is done with.
void ThreadCaller::raise_if_interrupted(Gil gil) const {
    if (!interrupted(gil)) return;
    const PyRef type = PyRef::borrow(PyThreadState_Get()->async_exc);
    PyThreadState_SetAsyncExc(thread_, nullptr);
    PyErr_SetNone(type.get());
    throw PyError{};
}

bool ThreadCaller::interrupted(Gil) noexcept { return PyThreadState_Get()->async_exc != nullptr; }

bool ThreadCaller::on_interrupt(Gil gil, PyObject* cancel) noexcept {
    if (running_.empty()) return false;
    RequestHandle& innermost = *running_.back().request;
    innermost.begin(gil, PyRef::borrow(cancel));
    // Unwanted before: the janitor has been here in vain.
    if (innermost.unwanted()) innermost.interrupt(gil, nullptr);
    return true;
}

// The handler still works on a call that nobody waits for: stop it, and with it the channel.
void ThreadCaller::give_up(Gil gil, PyObject* module, Line& line) noexcept {
    line.closed = true;
    const bool interrupted = PyErr_ExceptionMatches(ModuleState::of(module).interrupted.get()) != 0;
    if (!line.frames.empty() && !line.broken_by && !interrupted) {
        PyObject* error = loop_bridge::take_error(gil);
        loop_bridge::set_error(gil, error);
        line.broken_by = loop_bridge::PyHandle{PyRef::borrow(error)};
        Py_DECREF(error);
    }
    if (const auto handler = line.channel->handler()) {
        TermEnv env = make_term_env();
        const ERL_NIF_TERM message =
            enif_make_tuple2(env.get(), enif_make_atom(env.get(), "stop_handler"),
                             enif_make_pid(env.get(), &*handler));
        Node::instance().tell_coordinator(std::move(env), message);
    }
    line.channel->close();
}

// A nested call that had a timeout gives its own line back.
void ThreadCaller::retire(const LinePtr& line) noexcept {
    if (lines_.empty() || line == lines_.front() || !line->frames.empty()) return;
    if (std::erase(lines_, line) == 0) return;
    if (!line->closed) ChannelPool::instance().put(line->channel);
}

}  // namespace nif
