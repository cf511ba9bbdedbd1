// SPDX-License-Identifier: Apache-2.0
#include "nif/erlpy/main_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "loop_bridge/python/py_entry.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/erlpy/signal_nudger.h"

namespace nif {

using loop_bridge::Channel;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::python_entry;

namespace {

using Handler = void (*)(int);

// The classical signals. Numbers from 32 on are real-time signals; the C library uses some of them.
constexpr int kSignals = 32;

// Constant initialisation and no destructors: handlers may run at any time, even at the node's end.
struct State {
    std::atomic<bool> active{false};
    pthread_t main_thread{};
    std::array<struct sigaction, kSignals> of_node{};        // the BEAM's handlers
    std::array<bool, kSignals> set_aside{};                  // of_node has a handler
    std::array<std::atomic<Handler>, kSignals> of_python{};  // called by forward()
    std::atomic<Channel*> waiting{nullptr};                  // that the main thread waits on
    std::atomic<bool> arrived{false};                        // since the main thread's last sleep
    std::atomic<int> ending{0};
    bool interrupt_raised = false;  // the handler of Ctrl-C raised; GIL
};
constinit State state;

bool on_main_thread() noexcept { return pthread_equal(pthread_self(), state.main_thread) != 0; }

// Runs on any thread, also in a fork. Async-signal-safe.
void forward(int number) noexcept {
    const int saved_errno = errno;
    if (!on_main_thread()) {
        pthread_kill(state.main_thread, number);
    } else {
        if (const Handler handler = state.of_python[static_cast<std::size_t>(number)].load()) {
            // Before the handler runs: Python may call its own handler at once, on this thread.
            SignalNudger::arrived(number);
            handler(number);
        }
        state.arrived = true;
        if (Channel* channel = state.waiting.load()) channel->wake();
    }
    errno = saved_errno;
}

// Tells the BEAM to end the node. That takes a while, and the program may end meanwhile.
void end_node(int number) noexcept {
    state.ending = number;
    state.of_node[static_cast<std::size_t>(number)].sa_handler(number);
}

bool is_function(const struct sigaction& action) noexcept {
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

void set_default(int number) noexcept {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, nullptr);
}

bool is_of_node(const struct sigaction& action) noexcept {
    if (!is_function(action)) return false;
    return action.sa_handler == end_node ||
           std::any_of(state.of_node.begin(), state.of_node.end(),
                       [&](const auto& other) { return other.sa_handler == action.sa_handler; });
}

thread_local sigset_t before_fork;

void hold_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_fork);
}

void release_signals() noexcept { pthread_sigmask(SIG_SETMASK, &before_fork, nullptr); }

// The child's only thread is its main thread.
void begin_fork() noexcept {
    state.main_thread = pthread_self();
    state.set_aside.fill(false);
    for (int number = 1; number < kSignals; ++number) {
        struct sigaction action {};
        if (sigaction(number, nullptr, &action) == 0 && is_of_node(action)) set_default(number);
    }
    release_signals();
}

// Called after Python has changed a handler, and at Python's start.
void adopt_signal(int number) noexcept {
    const auto index = static_cast<std::size_t>(number);
    struct sigaction action {};
    if (number >= kSignals || sigaction(number, nullptr, &action) != 0) return;
    if (action.sa_handler == SIG_DFL && state.set_aside[index]) {
        action = state.of_node[index];
        if (number == SIGTERM && is_function(action) && (action.sa_flags & SA_SIGINFO) == 0) {
            action.sa_handler = end_node;
        }
        sigaction(number, &action, nullptr);
    } else if (is_function(action) && action.sa_handler != forward &&
               (action.sa_flags & SA_SIGINFO) == 0) {
        state.of_python[index] = action.sa_handler;
        action.sa_handler = forward;
        sigaction(number, &action, nullptr);
    }
}

// If nobody handles the nudge signal, the nudge handler takes its place, as if the BEAM had set it.
void set_aside_nudges() noexcept {
    constexpr auto kIndex = static_cast<std::size_t>(SignalNudger::kSignal);
    if (state.of_node[kIndex].sa_handler != SIG_DFL) return;
    state.of_node[kIndex].sa_handler = SignalNudger::ignore;
    state.set_aside[kIndex] = true;
}

// Calls the Python handler `self`, and notes that it has been called.
PyObject* call_handler(PyObject* self, PyObject* args) {
    const long number = PyLong_AsLong(PyTuple_GET_ITEM(args, 0));
    SignalNudger::noticed(static_cast<int>(number));
    PyObject* result = PyObject_CallObject(self, args);
    if (number == SIGINT && result == nullptr) state.interrupt_raised = true;
    return result;
}

PyMethodDef handler_method = {"handler", call_handler, METH_VARARGS, nullptr};

bool is_wrapped(Gil, PyObject* handler) noexcept {
    return PyCFunction_Check(handler) && PyCFunction_GetFunction(handler) == call_handler;
}

PyRef unwrapped(Gil gil, const PyRef& handler) {
    return is_wrapped(gil, handler.get()) ? PyRef::borrow(PyCFunction_GetSelf(handler.get()))
                                          : PyRef::borrow(handler.get());
}

// SIG_DFL and SIG_IGN are not wrapped.
PyRef wrapped(Gil gil, PyObject* handler) {
    if (PyCallable_Check(handler) == 0 || is_wrapped(gil, handler)) return PyRef::borrow(handler);
    return PyRef::steal(PyCFunction_New(&handler_method, handler));
}

// Replaces _signal.signal(), which is `original`.
PyObject* signal_signal(PyObject* original, PyObject* args) {
    return python_entry([&](Gil gil) {
        PyObject* number = nullptr;
        PyObject* handler = nullptr;
        // The original function refuses wrong arguments.
        if (PyArg_UnpackTuple(args, "signal", 2, 2, &number, &handler) == 0) throw PyError{};
        const PyRef after = wrapped(gil, handler);
        const PyRef before =
            PyRef::steal(PyObject_CallFunctionObjArgs(original, number, after.get(), nullptr));
        const long index = PyLong_AsLong(number);
        if (index > 0 && index < kSignals) {
            // Signals that came until now were for the former handler.
            SignalNudger::noticed(static_cast<int>(index));
            adopt_signal(static_cast<int>(index));
        }
        PyErr_Clear();
        return unwrapped(gil, before);
    });
}

// Replaces _signal.getsignal().
PyObject* signal_getsignal(PyObject* original, PyObject* args) {
    return python_entry(
        [&](Gil gil) { return unwrapped(gil, PyRef::steal(PyObject_CallObject(original, args))); });
}

PyMethodDef signal_method = {"signal", signal_signal, METH_VARARGS, nullptr};
PyMethodDef getsignal_method = {"getsignal", signal_getsignal, METH_VARARGS, nullptr};

// Replaces the module's function of that name with `method`; returns the original.
PyRef replace(Gil, PyObject* module, PyMethodDef& method) {
    PyRef original = PyRef::steal(PyObject_GetAttrString(module, method.ml_name));
    const PyRef name = PyRef::steal(PyUnicode_FromString("_signal"));
    method.ml_doc = reinterpret_cast<PyCFunctionObject*>(original.get())->m_ml->ml_doc;
    const PyRef ours = PyRef::steal(PyCFunction_NewEx(&method, original.get(), name.get()));
    if (PyObject_SetAttrString(module, method.ml_name, ours.get()) != 0) throw PyError{};
    return original;
}

}  // namespace

void MainSignals::watch_forks() noexcept {
    for (int number = 1; number < kSignals; ++number) {
        sigaction(number, nullptr, &state.of_node[static_cast<std::size_t>(number)]);
    }
    pthread_atfork(hold_signals, release_signals, begin_fork);
}

void MainSignals::begin() noexcept {
    state.main_thread = pthread_self();
    for (int number = 1; number < kSignals; ++number) {
        const auto index = static_cast<std::size_t>(number);
        const struct sigaction& action = state.of_node[index];
        // The BEAM itself ignores SIGFPE. Other ignored signals were ignored before the BEAM's
        // start.
        if (!is_function(action) && (number != SIGFPE || action.sa_handler == SIG_DFL)) continue;
        state.set_aside[index] = true;
        set_default(number);
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void MainSignals::adopt(Gil gil) {
    state.active = true;
    SignalNudger::start();
    set_aside_nudges();
    for (int number = 1; number < kSignals; ++number) adopt_signal(number);
    const PyRef module = PyRef::steal(PyImport_ImportModule("_signal"));
    const PyRef getsignal = replace(gil, module.get(), getsignal_method);
    const PyRef signal = replace(gil, module.get(), signal_method);
    // Python has installed its Ctrl-C handler already. Wrap it too.
    const PyRef number = PyRef::steal(PyLong_FromLong(SIGINT));
    const PyRef handler = PyRef::steal(PyObject_CallOneArg(getsignal.get(), number.get()));
    if (PyCallable_Check(handler.get()) == 0) return;
    PyRef::steal(PyObject_CallMethod(module.get(), "signal", "OO", number.get(), handler.get()));
}

void MainSignals::end() noexcept {
    struct sigaction action {};
    if (sigaction(SIGINT, nullptr, &action) == 0 && is_function(action)) set_default(SIGINT);
}

int MainSignals::ending() noexcept { return state.ending; }

InterruptKept::InterruptKept() noexcept { state.interrupt_raised = false; }

InterruptKept::~InterruptKept() {
    if (state.interrupt_raised) PyErr_SetInterrupt();
}

WokenBySignals::WokenBySignals(Channel& channel) noexcept {
    if (!state.active.load(std::memory_order_relaxed) || !on_main_thread()) return;
    state.waiting = &channel;
    // A signal may have come after the last check for signals and before this line. Check again.
    if (state.arrived.exchange(false)) channel.wake();
}

WokenBySignals::~WokenBySignals() {
    if (state.active.load(std::memory_order_relaxed) && on_main_thread()) state.waiting = nullptr;
}

void end_by_signal(int number) noexcept {
    set_default(number);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    kill(getpid(), number);
}

}  // namespace nif
