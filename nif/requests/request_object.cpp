// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_object.h"

#include "loop_bridge/python/py_entry.h"
#include "nif/requests/request_parts.h"
#include "nif/requests/request_runner.h"
#include "nif/requests/request_scope.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;
using loop_bridge::python_entry;

namespace {

struct RequestObject {
    PyObject_HEAD ResourcePtr<RequestHandle> handle;
};

RequestObject* as_request(PyObject* self) { return reinterpret_cast<RequestObject*>(self); }

PyObject* module_of(PyObject* self) { return PyType_GetModule(Py_TYPE(self)); }

PyObject* answer(PyObject* self, PyObject* value) {
    return python_entry([&](Gil gil) {
        RequestHandle& handle = *as_request(self)->handle;
        handle.end(gil);
        answer_value(gil, module_of(self), handle, value);
        return PyRef::borrow(Py_None);
    });
}

PyObject* fail(PyObject* self, PyObject* exception) {
    return python_entry([&](Gil gil) {
        RequestHandle& handle = *as_request(self)->handle;
        handle.end(gil);
        answer_exception(gil, module_of(self), handle, exception);
        return PyRef::borrow(Py_None);
    });
}

PyObject* begin(PyObject* self, PyObject* cancel) {
    return python_entry([&](Gil gil) {
        RequestHandle& handle = *as_request(self)->handle;
        handle.begin(gil, PyRef::borrow(cancel));
        // The request was abandoned before this: the janitor has found nothing to interrupt.
        if (handle.unwanted()) handle.interrupt(gil, false);
        return PyRef::borrow(Py_None);
    });
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    auto& handle = as_request(self)->handle;
    if (handle) {
        handle->end(Gil::held_by_caller());
        handle->answer_error(atoms.disconnected);
    }
    handle.~ResourcePtr<RequestHandle>();
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"answer", answer, METH_O, "answer(value): the request's value goes to the Erlang process."},
    {"fail", fail, METH_O, "fail(exception): the exception goes to the Erlang process."},
    {"begin", begin, METH_O, "begin(cancel): cancel() is called when nobody waits any longer."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {
    "_erlang.Request", sizeof(RequestObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

}  // namespace

PyRef make_request_type(Gil, PyObject* module) {
    return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

namespace {

PyRef make_request(Gil, const ModuleState& state, const ResourcePtr<RequestHandle>& handle) {
    auto* type = reinterpret_cast<PyTypeObject*>(state.request_type.get());
    PyRef object = PyRef::steal(type->tp_alloc(type, 0));
    new (&as_request(object.get())->handle) ResourcePtr<RequestHandle>(handle);
    return object;
}

// Always answers: no error may be pending at the scope's end.
void start_in_scope(Gil gil, PyObject* module, const ResourcePtr<RequestHandle>& handle,
                    const NestedRequest& nested, const PyRef& mark) noexcept {
    try {
        const ModuleState& state = ModuleState::of(module);
        // First, since an object that dies unanswered answers `{error, disconnected}`.
        const PyRef arguments = request_to_python(gil, state.conversion, nested);
        const PyRef object = make_request(gil, state, handle);
        PyRef::steal(PyObject_CallFunctionObjArgs(state.start_coroutine.get(), object.get(),
                                                  arguments.get(), mark.get(), nullptr));
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        answer_pending_exception(gil, module, *handle);
    }
}

}  // namespace

void start_coroutine(Gil gil, PyObject* module, Request& request) noexcept {
    const ResourcePtr<RequestHandle> handle = request.take_handle();
    if (handle->unwanted()) return;
    const ModuleState& state = ModuleState::of(module);
    const NestedRequest nested{request.body()};
    try {
        const PyRef ancestors = nested.ancestors_to_python(gil, state.conversion);
        RequestScope scope{gil, state, RequestKind::kCoroutine, ancestors.get()};
        start_in_scope(gil, module, handle, nested, scope.take_mark());
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        answer_pending_exception(gil, module, *handle);
    }
}

}  // namespace nif
