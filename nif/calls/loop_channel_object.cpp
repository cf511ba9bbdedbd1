// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/loop_channel_object.h"

#include <algorithm>

#include "loop_bridge/python/py_entry.h"

namespace nif {

using loop_bridge::CallId;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::python_entry;

namespace {

struct LoopChannelObject {
    PyObject_HEAD LoopCaller* caller;
};

LoopCaller*& caller_of(PyObject* self) {
    return reinterpret_cast<LoopChannelObject*>(self)->caller;
}

PyObject* drain(PyObject* self, PyObject*) {
    return python_entry([&](Gil gil) {
        caller_of(self)->drain(gil);
        return PyRef::borrow(Py_None);
    });
}

PyObject* flush(PyObject* self, PyObject*) {
    return python_entry([&](Gil) {
        caller_of(self)->flush();
        return PyRef::borrow(Py_None);
    });
}

PyObject* look(PyObject* self, PyObject*) {
    return python_entry([&](Gil gil) {
        caller_of(self)->look(gil);
        return PyRef::borrow(Py_None);
    });
}

PyObject* forget(PyObject* self, PyObject* id) {
    return python_entry([&](Gil gil) {
        const CallId call = PyLong_AsUnsignedLongLong(id);
        if (PyErr_Occurred() != nullptr) throw PyError{};
        caller_of(self)->forget(gil, call);
        return PyRef::borrow(Py_None);
    });
}

PyObject* expire(PyObject* self, PyObject* arguments) {
    return python_entry([&](Gil gil) {
        unsigned long long call = 0;
        double seconds = 0;
        if (PyArg_ParseTuple(arguments, "Kd", &call, &seconds) == 0) throw PyError{};
        caller_of(self)->expire(gil, call, seconds);
        return PyRef::borrow(Py_None);
    });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return caller_of(self) == nullptr ? 0 : caller_of(self)->traverse(visit, arg);
}

int clear(PyObject* self) {
    if (caller_of(self) != nullptr) caller_of(self)->clear(Gil::held_by_caller());
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    const Gil gil = Gil::held_by_caller();
    PyObject_GC_UnTrack(self);
    // The destructors of its futures may raise. A pending exception must survive that.
    PyObject* pending = loop_bridge::take_error(gil);
    if (LoopCaller* caller = caller_of(self)) {
        caller->shutdown(gil);
        delete caller;
    }
    if (pending != nullptr) {
        loop_bridge::set_error(gil, pending);
        Py_DECREF(pending);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

// Replaces the loop's own close(), as an attribute of the loop: a close ends the loop's calls at
// once. Takes the loop as an argument, because a collector clears the weak reference before it
// finalises the loop.
PyObject* close(PyObject* self, PyObject* loop) {
    return python_entry([&](Gil gil) {
        const PyRef held = PyRef::borrow(self);
        const PyRef own_close = PyRef::steal(
            PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(loop)), "close"));
        PyRef result = PyRef::steal(PyObject_CallOneArg(own_close.get(), loop));
        if (PyObject_DelAttrString(loop, "close") != 0) PyErr_Clear();
        caller_of(self)->shutdown(gil);
        return result;
    });
}

PyMethodDef methods[] = {
    {"_drain", drain, METH_NOARGS,
     "The descriptor is readable: completes the calls that have a reply."},
    {"_flush", flush, METH_NOARGS, "Sends the calls that were gathered in this turn of the loop."},
    {"_look", look, METH_NOARGS, "Looks for the reply to the only call before the loop sleeps."},
    {"_close", close, METH_O, "_close(loop): closes the loop and ends its calls."},
    {"forget", forget, METH_O, "forget(id): the call was cancelled. Stops its process."},
    {"expire", expire, METH_VARARGS,
     "expire(id, seconds): the call's timeout of so many seconds ran out. Stops its process."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"_erlang.LoopChannel", sizeof(LoopChannelObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                        Py_TPFLAGS_IMMUTABLETYPE,
                    slots};

// If other code has replaced close(), leave it. end_closed_loops() finds that loop's end later.
void hook_close(Gil, const ModuleState& state, PyObject* self, PyObject* loop) {
    const PyRef attributes = PyRef::steal(PyObject_GetAttrString(loop, "__dict__"));
    const PyRef name = PyRef::steal(PyUnicode_InternFromString("close"));
    const int taken = PySequence_Contains(attributes.get(), name.get());
    if (taken < 0) throw PyError{};
    if (taken == 1) return;
    const PyRef close = PyRef::steal(PyObject_GetAttrString(self, "_close"));
    const PyRef hook =
        PyRef::steal(PyObject_CallFunctionObjArgs(state.partial.get(), close.get(), loop, nullptr));
    if (PyObject_SetAttr(loop, name.get(), hook.get()) != 0) throw PyError{};
}

LoopCaller& make_loop_channel(Gil gil, PyObject* module, PyObject* loop) {
    end_closed_loops(gil, module);
    const ModuleState& state = ModuleState::of(module);
    auto* type = reinterpret_cast<PyTypeObject*>(state.loop_channel_type.get());
    const PyRef self = PyRef::steal(type->tp_alloc(type, 0));
    caller_of(self.get()) = new LoopCaller(gil, self.get(), module, loop);
    if (PyObject_SetAttr(loop, state.name_attribute.get(), self.get()) != 0) throw PyError{};
    hook_close(gil, state, self.get(), loop);
    return *caller_of(self.get());
}

}  // namespace

PyRef make_loop_channel_type(Gil, PyObject* module) {
    return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

void end_closed_loops(Gil gil, PyObject* module) {
    const ModuleState& state = ModuleState::of(module);
    const std::vector<LoopCaller*> loops = state.loops;
    for (LoopCaller* loop : loops) {
        const bool alive =
            std::find(state.loops.begin(), state.loops.end(), loop) != state.loops.end();
        if (!alive) continue;
        const PyRef owner = PyRef::borrow(loop->owner());  // its futures may hold other loops
        if (loop->loop_ended(gil)) loop->shutdown(gil);
    }
}

LoopCaller& running_loop_channel(Gil gil, PyObject* module, const char* function) {
    const ModuleState& state = ModuleState::of(module);
    const PyRef loop = PyRef::steal(PyObject_CallNoArgs(state.get_running_loop.get()));
    if (loop.get() == Py_None) {
        PyErr_Format(PyExc_RuntimeError,
                     "erlang.%s needs a running event loop; use erlang.call outside of coroutines",
                     function);
        throw PyError{};
    }
    PyObject* found = PyObject_GetAttr(loop.get(), state.name_attribute.get());
    if (found == nullptr) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) throw PyError{};
        PyErr_Clear();
        return make_loop_channel(gil, module, loop.get());
    }
    const PyRef held = PyRef::steal(found);  // from here on the loop keeps it alive
    return *caller_of(found);
}

}  // namespace nif
