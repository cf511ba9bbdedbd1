// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/thread_caller.h"

#include <algorithm>

#include "loop_bridge/python/py_entry.h"
#include "nif/calls/call_errors.h"
#include "nif/calls/channel_pool.h"
#include "nif/calls/encoded_call.h"
#include "nif/erlpy/main_signals.h"
#include "nif/interruption/interruptions.h"
#include "nif/interruption/waiting_thread.h"
#include "nif/node/module_state.h"
#include "nif/requests/nesting.h"

namespace nif {

using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilRelease;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::raise_object;
using loop_bridge::WaitOutcome;

namespace {

[[noreturn]] void fail_with(Gil gil, const PyRef& error) { raise_object(gil, error.get()); }

CallErrors errors_of(Gil gil, PyObject* module, const CallArguments& call) {
    return {gil, ModuleState::of(module), call.name};
}

Stack current_stack(Gil, const ModuleState& state) {
    PyObject* greenlet =
        PyDict_GetItemWithError(PyImport_GetModuleDict(), state.name_greenlet.get());
    if (greenlet == nullptr) return nullptr;
    // The module is half imported or another one of that name: there are no greenlets.
    PyObject* current = PyObject_CallMethod(greenlet, "getcurrent", nullptr);
    if (current == nullptr) PyErr_Clear();
    Py_XDECREF(current);  // the running greenlet stays alive
    return current;
}

}  // namespace

ThreadCaller& ThreadCaller::current() {
    // A thread_local destructor is the only hook at a thread's end that works for every kind of
    // thread.
    static thread_local ThreadCaller caller;
    return caller;
}

PyRef ThreadCaller::call(Gil gil, PyObject* module, const CallArguments& call, Deadline deadline) {
    const ModuleState& state = ModuleState::of(module);
    const Nesting nesting = Nesting::current(gil, state);
    const bool nested =
        nesting.nested() ||
        std::any_of(lines_.begin(), lines_.end(), [](const auto& line) { return !line->idle(); });
    if (requests_.outlived_epoch()) {
        // This thread outlived a stop of the application. It must not call into the new
        // incarnation.
        fail_with(gil, errors_of(gil, module, call).outlived_its_application());
    }
    TermEnv env;
    auto encoded = encode_call(gil, state, call, nesting, nested, env);
    if (!encoded) fail_with(gil, errors_of(gil, module, call).too_many_calls());

    const Stack stack = current_stack(gil, state);
    CallLine& line = ready_line(gil, module, call, stack, deadline);
    WaitingCall& waiting = line.begin(stack, std::move(encoded->ticket));
    const ERL_NIF_TERM message = call_message(env.get(), waiting.id, encoded->terms);
    line.channel().send(std::move(env), message);
    std::unique_ptr<WaitingCall> ended;
    try {
        await_completion(gil, module, call, line, waiting, deadline);
        ended = line.end(waiting);
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        ended = line.end(waiting);
        if (!ended->completion) give_up(gil, module, line);
        retire(line);
        throw PyError{};
    }
    retire(line);
    Interruptions::instance().raise_here(gil);

    PyRef value = ended->completion->value(gil, module, call.name);
    if (ended->completion->succeeded()) return value;
    fail_with(gil, value);
}

CallLine& ThreadCaller::ready_line(Gil gil, PyObject* module, const CallArguments& call,
                                   Stack stack, Deadline deadline) {
    if (CallLine* line = usable_line(stack, deadline)) return *line;
    return open_line(gil, module, call, deadline);
}

CallLine* ThreadCaller::usable_line(Stack stack, Deadline deadline) noexcept {
    for (const auto& line : lines_) {
        // The waiting calls see the end of the line in its closed state.
        if (!line->closed() && line->channel().gone()) line->close();
    }
    std::erase_if(lines_, [](const auto& line) { return line->closed() && line->idle(); });
    const auto usable = std::find_if(lines_.begin(), lines_.end(), [&](const auto& line) {
        return !line->closed() && (line->idle() || (!deadline && line->is_of(stack)));
    });
    return usable == lines_.end() ? nullptr : usable->get();
}

CallLine& ThreadCaller::open_line(Gil gil, PyObject* module, const CallArguments& call,
                                  Deadline deadline) {
    ResourcePtr<ChannelResource> channel = ChannelPool::instance().take();
    if (!channel) {
        channel = ResourcePtr<ChannelResource>::make();
        if (!ChannelResource::open(channel, ChannelKind::kThread)) {
            channel->close();
            fail_with(gil, errors_of(gil, module, call).not_running());
        }
    }
    auto line = std::make_unique<CallLine>(std::move(channel));
    const auto settled = [&] { return line->closed() || line->channel().attached(); };
    try {
        if (!wait_until(gil, module, *line, deadline, settled)) {
            fail_with(gil, errors_of(gil, module, call).no_handler_within(*call.timeout));
        }
        if (line->closed()) fail_with(gil, errors_of(gil, module, call).handler_gone());
    } catch (...) {
        line->close();
        throw;
    }
    lines_.push_back(std::move(line));
    return *lines_.back();
}

void ThreadCaller::await_completion(Gil gil, PyObject* module, const CallArguments& call,
                                    CallLine& line, const WaitingCall& waiting, Deadline deadline) {
    const auto settled = [&] { return waiting.completion != nullptr || line.closed(); };
    if (!wait_until(gil, module, line, deadline, settled)) {
        fail_with(gil, errors_of(gil, module, call).no_reply_within(*call.timeout));
    }
    if (waiting.completion) return;
    Interruptions::instance().raise_here(gil);
    if (!line.broken_by) fail_with(gil, errors_of(gil, module, call).handler_gone());
    fail_with(gil, line.broken_by.get(gil));
}

// False if the deadline came first. Throws PyError for signals and interruptions.
template <class Done>
bool ThreadCaller::wait_until(Gil gil, PyObject* module, CallLine& line, Deadline deadline,
                              Done&& done) {
    Interruptions& interruptions = Interruptions::instance();
    loop_bridge::Channel& channel = line.channel().channel();
    while (!done()) {
        if (PyErr_CheckSignals() != 0) {
            // From CPython 3.15 on, this call raises interruptions too. Entries that have arrived
            // go first.
            line.sort_in(channel.take_all());
            throw PyError{};
        }
        WaitOutcome outcome{};
        EntryList arrived;
        // If an interruption is pending, only poll. Entries that have already arrived go first. Of
        // several requests that arrived at once, each round runs one.
        const bool looks = interruptions.pending_here(gil);
        if (looks) {
            arrived = channel.take_all();
        } else if (line.requests().empty()) {
            const WaitingThread waiting{gil, channel};
            const GilRelease released{gil};
            const WokenBySignals woken{channel};
            outcome = line.waiter().wait(deadline);
            arrived = channel.take_all();
        }
        line.sort_in(std::move(arrived));
        if (outcome == WaitOutcome::kClosed) line.close();
        if (done()) break;
        if (looks) interruptions.raise_here(gil);
        // The interruption came after the last check, while this thread waited for the GIL.
        if (interruptions.pending_here(gil)) continue;
        if (!line.requests().empty()) {
            const EntryPtr request = line.requests().pop_front();
            requests_.run(gil, module, static_cast<Request&>(*request));
            if (PyErr_Occurred() != nullptr) throw PyError{};
        } else if (outcome == WaitOutcome::kTimedOut) {
            return false;
        }
    }
    return true;
}

// The handler still works on a call that nobody waits for. Stop the handler, and so the channel.
void ThreadCaller::give_up(Gil gil, PyObject* module, CallLine& line) noexcept {
    const bool interrupted = PyErr_ExceptionMatches(ModuleState::of(module).interrupted.get()) != 0;
    if (!line.idle() && !line.broken_by && !interrupted) {
        PyObject* error = loop_bridge::take_error(gil);
        loop_bridge::set_error(gil, error);
        line.broken_by = loop_bridge::PyHandle{PyRef::borrow(error)};
        Py_DECREF(error);
    }
    if (const auto handler = line.channel().handler()) {
        TermEnv env = make_term_env();
        const ERL_NIF_TERM message = stop_handler_message(env.get(), *handler);
        Bridge::instance().tell_coordinator(std::move(env), message);
    }
    line.close();
}

// Keeps one open line for the next call. Other lines give their channels back.
void ThreadCaller::retire(const CallLine& line) noexcept {
    if (!line.idle()) return;
    const bool another = std::any_of(lines_.begin(), lines_.end(), [&](const auto& one) {
        return one.get() != &line && one->idle() && !one->closed();
    });
    if (!line.closed() && !another) return;
    std::erase_if(lines_, [&](const auto& one) { return one.get() == &line; });
}

}  // namespace nif
