// SPDX-License-Identifier: Apache-2.0
#include "nif/module/erlang_module.h"

#include <memory>

#include "loop_bridge/python/py_entry.h"
#include "nif/calls/call_arguments.h"
#include "nif/calls/loop_channel_object.h"
#include "nif/calls/thread_caller.h"
#include "nif/conversion/atom_type.h"
#include "nif/interruption/interruptions.h"
#include "nif/interruption/thread_place.h"
#include "nif/module/erlang_module_docs.h"
#include "nif/module/message_sender.h"
#include "nif/module/stats.h"
#include "nif/requests/janitor.h"
#include "nif/requests/request_object.h"
#include "nif/requests/request_scope.h"
#include "nif/requests/request_thread.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::python_entry;
using loop_bridge::raise_python;

namespace {

// A fork of the node has no BEAM. There, the functions of erlang._outside.calls do the work, which
// reach the node by its socket.
PyRef call_outside(Gil, const ModuleState& state, const char* function, PyObject* const* args,
                   Py_ssize_t count, PyObject* keywords = nullptr) {
    const PyRef outside = PyRef::steal(PyObject_GetAttrString(state.outside.get(), function));
    return PyRef::steal(
        PyObject_Vectorcall(outside.get(), args, static_cast<std::size_t>(count), keywords));
}

// `depth`: the number of Python frames from here to the code that the warning is about. 1 is the
// innermost.
void warn_on_loop_thread(Gil, const ModuleState& state, Py_ssize_t depth) {
    const PyRef loop = PyRef::steal(PyObject_CallNoArgs(state.get_running_loop.get()));
    if (loop.get() == Py_None) return;
    if (PyErr_WarnEx(state.blocking_call_warning.get(),
                     "erlang.call blocks the event loop that runs in this thread; "
                     "await erlang.async_call instead",
                     depth) != 0) {
        throw PyError{};
    }
}

Deadline deadline_after(std::optional<double> seconds) {
    constexpr double kForever = 1e9;  // over thirty years; a clock's time plus this fits
    if (!seconds || *seconds >= kForever) return std::nullopt;
    return std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(
               std::chrono::duration<double>(*seconds));
}

template <Py_ssize_t kDepth>
PyObject* call(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    return python_entry([&](Gil gil) {
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) {
            const char* function = kDepth == 1 ? "call" : "call_for_caller";
            return call_outside(gil, state, function, args, count, keywords);
        }
        const CallArguments read = read_call_arguments(gil, "call", args, count, keywords);
        warn_on_loop_thread(gil, state, kDepth);
        return ThreadCaller::current().call(gil, module, read, deadline_after(read.timeout));
    });
}

// call() without the warning, for short questions of the package itself.
PyObject* ask(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    return python_entry([&](Gil gil) {
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) return call_outside(gil, state, "ask", args, count, keywords);
        const CallArguments read = read_call_arguments(gil, "ask", args, count, keywords);
        return ThreadCaller::current().call(gil, module, read, deadline_after(read.timeout));
    });
}

// `function` is the function of the package that makes the call.
PyRef call_on_loop(Gil gil, PyObject* module, const char* function, const CallArguments& call) {
    PyRef future = running_loop_channel(gil, module, function).call(gil, call);
    if (call.timeout) {
        PyRef::steal(PyObject_CallMethod(future.get(), "_expire_after", "d", *call.timeout));
    }
    return future;
}

PyObject* async_call(PyObject* module, PyObject* const* args, Py_ssize_t count,
                     PyObject* keywords) {
    return python_entry([&](Gil gil) {
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) return call_outside(gil, state, "async_call", args, count, keywords);
        const CallArguments read = read_call_arguments(gil, "async_call", args, count, keywords);
        return call_on_loop(gil, module, "async_call", read);
    });
}

template <bool kStarmap>
PyObject* map(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    return python_entry([&](Gil gil) {
        const char* function = kStarmap ? "starmap" : "map";
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) return call_outside(gil, state, function, args, count, keywords);
        const MapArguments read = read_map_arguments(gil, kStarmap, args, count, keywords);
        return call_on_loop(gil, module, function, read.call);
    });
}

PyObject* send(PyObject* module, PyObject* const* args, Py_ssize_t count) {
    return python_entry([&](Gil gil) {
        if (count != 2) {
            PyErr_Format(PyExc_TypeError,
                         "send() takes 2 arguments, a receiver and a term, not %zd", count);
            throw PyError{};
        }
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) return call_outside(gil, state, "send", args, count);
        send_message(gil, state.conversion, args[0], args[1]);
        return PyRef::borrow(Py_None);
    });
}

PyObject* stats(PyObject* module, PyObject*) {
    return python_entry([&](Gil gil) {
        const ModuleState& state = ModuleState::of(module);
        if (state.forked) return call_outside(gil, state, "stats", nullptr, 0);
        end_closed_loops(gil, module);
        return stats_dict(gil);
    });
}

PyObject* loop_ready(PyObject* module, PyObject* owner) {
    return python_entry([&](Gil gil) {
        const ErlNifPid process = pid_of(gil, ModuleState::of(module).conversion, owner);
        running_loop_channel(gil, module, "loop_ready").tell_ready(process);
        return PyRef::borrow(Py_None);
    });
}

PyObject* lines_ready(PyObject* module, PyObject* logger) {
    return python_entry([&](Gil gil) {
        send_lines(pid_of(gil, ModuleState::of(module).conversion, logger));
        return PyRef::borrow(Py_None);
    });
}

PyObject* on_interrupt(PyObject*, PyObject* cancel) {
    return python_entry([&](Gil gil) {
        const bool set = RequestThread::current().on_interrupt(gil, cancel);
        if (PyErr_Occurred() != nullptr) throw PyError{};
        return PyRef::borrow(set ? Py_True : Py_False);
    });
}

PyObject* enter_request(PyObject*, PyObject*) {
    return python_entry([](Gil gil) {
        RequestThread::current().enter(gil);
        return PyRef::borrow(Py_None);
    });
}

PyObject* this_thread(PyObject*, PyObject*) {
    return python_entry([&](Gil gil) {
        const PythonThread thread = PythonThread::current(gil);
        const PyRef clock =
            thread.clock ? PyRef::steal(PyLong_FromLong(*thread.clock)) : PyRef::borrow(Py_None);
        return PyRef::steal(Py_BuildValue("KO", thread.number, clock.get()));
    });
}

PyObject* interrupt_thread(PyObject*, PyObject* value) {
    return python_entry([&](Gil gil) {
        PythonThread thread;
        PyObject* clock = nullptr;
        if (PyArg_ParseTuple(value, "KO", &thread.number, &clock) == 0) throw PyError{};
        if (clock != Py_None) thread.clock = PyLong_AsLong(clock);
        if (PyErr_Occurred() != nullptr) throw PyError{};
        Interruptions::instance().want(gil, {thread}, true);
        Janitor::instance().wake();
        return PyRef::borrow(Py_None);
    });
}

PyObject* frames_of_thread(PyObject*, PyObject* ident) {
    return python_entry([&](Gil gil) {
        const unsigned long thread = PyLong_AsUnsignedLong(ident);
        if (PyErr_Occurred() != nullptr) throw PyError{};
        PyThreadState* state = state_of_ident(gil, thread);
        return state == nullptr ? PyRef::steal(PyList_New(0)) : frames_of(gil, state);
    });
}

PyObject* raise_interruption(PyObject*, PyObject*) {
    return python_entry([&](Gil gil) {
        Interruptions::instance().raise_here(gil);
        return PyRef::borrow(Py_None);
    });
}

PyObject* take_interruption(PyObject*, PyObject*) {
    return python_entry([&](Gil gil) {
        static_cast<void>(Interruptions::instance().take_here(gil));
        return PyRef::borrow(Py_None);
    });
}

PyObject* settle_interruption(PyObject*, PyObject*) {
    return python_entry([&](Gil gil) {
        Interruptions::instance().settle(gil);
        if (PyErr_Occurred() != nullptr) throw PyError{};
        return PyRef::borrow(Py_None);
    });
}

PyObject* keep_context(PyObject*, PyObject* keep) {
    return python_entry([&](Gil gil) {
        keep_request_context(gil, keep == Py_True);
        return PyRef::borrow(Py_None);
    });
}

PyObject* after_fork_in_child(PyObject* module, PyObject*) {
    ModuleState::of(module).forked = true;
    leave_atom_table();
    Py_RETURN_NONE;
}

PyObject* bind_package(PyObject* module, PyObject* parts) {
    return python_entry([&](Gil gil) {
        ModuleState& state = ModuleState::of(module);
        const auto take = [&](PyRef& member, const char* name) {
            PyObject* part = PyDict_GetItemString(parts, name);
            if (part == nullptr) raise_python(gil, PyExc_KeyError, name);
            member = PyRef::borrow(part);
        };
        take(state.outside, "outside");
        take(state.make_error, "make_error");
        take(state.call_type, "call_type");
        take(state.interrupted, "interrupted");
        take(state.blocking_call_warning, "blocking_call_warning");
        take(state.get_running_loop, "get_running_loop");
        take(state.run_request, "run_request");
        take(state.describe_exception, "describe_exception");
        take(state.begin_thread, "begin_thread");
        take(state.end_thread, "end_thread");
        take(state.describe_stack, "describe_stack");
        take(state.make_attempt, "make_attempt");
        take(state.do_nothing, "do_nothing");
        take(state.start_coroutine, "start_coroutine");
        take(state.partial, "partial");
        take(state.nesting, "nesting");
        take(state.begin_trace, "begin_trace");
        take(state.begin_profile, "begin_profile");
        take(state.threading_names, "threading_names");
        return PyRef::borrow(Py_None);
    });
}

template <class Function>
PyCFunction as_method(Function* function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"call", as_method(call<1>), METH_FASTCALL | METH_KEYWORDS, kCallDoc},
    {"call_for_caller", as_method(call<2>), METH_FASTCALL | METH_KEYWORDS,
     "call(), for a Python function that wraps it: warnings point to the caller"},
    {"ask", as_method(ask), METH_FASTCALL | METH_KEYWORDS,
     "ask(name, *args, timeout=None, wait=None, binaries=None)"},
    {"async_call", as_method(async_call), METH_FASTCALL | METH_KEYWORDS, kAsyncCallDoc},
    {"map", as_method(map<false>), METH_FASTCALL | METH_KEYWORDS, kMapDoc},
    {"starmap", as_method(map<true>), METH_FASTCALL | METH_KEYWORDS, kStarmapDoc},
    {"send", as_method(send), METH_FASTCALL, kSendDoc},
    {"stats", stats, METH_NOARGS, kStatsDoc},
    {"loop_ready", loop_ready, METH_O,
     "loop_ready(owner): sends the channel of the running loop to the loop's process."},
    {"lines_ready", lines_ready, METH_O,
     "lines_ready(logger): tells Erlang's logger that there are lines to take."},
    {"on_interrupt", on_interrupt, METH_O,
     "on_interrupt(cancel): sets the function to call when the running request is interrupted."},
    {"enter_request", enter_request, METH_NOARGS,
     "enter_request(): the calling function runs the request that began last."},
    {"this_thread", this_thread, METH_NOARGS,
     "this_thread() -> the calling thread, by a number that no later thread gets, and its clock."},
    {"interrupt_thread", interrupt_thread, METH_O,
     "interrupt_thread(thread): makes a thread raise erlang.Interrupted soon."},
    {"frames_of_thread", frames_of_thread, METH_O,
     "frames_of_thread(ident): the frames of a thread, the innermost one first."},
    {"raise_interruption", raise_interruption, METH_NOARGS,
     "raise_interruption(): raises the pending interruption of the calling thread, if any."},
    {"take_interruption", take_interruption, METH_NOARGS,
     "take_interruption(): the calling thread's code has learned of its pending interruption."},
    {"settle_interruption", settle_interruption, METH_NOARGS,
     "settle_interruption(): drops the pending interruption of the calling thread."},
    {"keep_context", keep_context, METH_O,
     "keep_context(keep): whether requests on this thread share their context variables."},
    {"after_fork_in_child", after_fork_in_child, METH_NOARGS,
     "From here on, calls go to the node by its socket."},
    {"bind_package", bind_package, METH_O, "Takes the objects that the package `erlang` supplies."},
    {nullptr, nullptr, 0, nullptr},
};

int exec(PyObject* module) {
    PyObject* done = python_entry([&](Gil gil) {
        auto state = std::make_unique<ModuleState>();
        state->conversion = make_conversion_state(gil, module);
        state->loop_channel_type = make_loop_channel_type(gil, module);
        state->request_type = make_request_type(gil, module);
        state->keyword_loop = PyRef::steal(Py_BuildValue("(s)", "loop"));
        state->name_attribute = PyRef::steal(PyUnicode_InternFromString("_erlang_channel"));
        state->name_id = PyRef::steal(PyUnicode_InternFromString("_id"));
        state->name_greenlet = PyRef::steal(PyUnicode_InternFromString("greenlet"));
        state->name_channel = PyRef::steal(PyUnicode_InternFromString("_channel"));
        state->name_trace_hook = PyRef::steal(PyUnicode_InternFromString("_trace_hook"));
        state->name_profile_hook = PyRef::steal(PyUnicode_InternFromString("_profile_hook"));
        static_cast<ModuleMemory*>(PyModule_GetState(module))->state = state.release();
        return PyRef::borrow(Py_None);
    });
    if (done == nullptr) return -1;
    Py_DECREF(done);
    return 0;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(exec)},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_erlang",
                          "The native half of the package `erlang`.",
                          sizeof(ModuleMemory),
                          methods,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyObject* init_erlang_module() noexcept { return PyModuleDef_Init(&definition); }

}  // namespace nif
