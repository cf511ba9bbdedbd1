// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/adapters.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

PyTypeObject* as_type(const PyRef& type) { return reinterpret_cast<PyTypeObject*>(type.get()); }

}  // namespace

void Adapters::load(Gil gil) {
    if (adapt_) return;
    const PyRef module = PyRef::steal(PyImport_ImportModule("erlang._adapters"));
    PyRef overriding = PyRef::steal(PyObject_GetAttrString(module.get(), "overriding"));
    PyRef enum_type = PyRef::steal(PyObject_GetAttrString(module.get(), "Enum"));
    PyRef adapt = PyRef::steal(PyObject_GetAttrString(module.get(), "adapt"));
    PyRef why_refused = PyRef::steal(PyObject_GetAttrString(module.get(), "why_refused"));
    if (!PyDict_Check(overriding.get()) || !PyType_Check(enum_type.get())) {
        loop_bridge::raise_python(gil, PyExc_TypeError,
                                  "erlang._adapters: 'overriding' must be a dict, 'Enum' a class");
    }
    overriding_ = std::move(overriding);
    enum_ = std::move(enum_type);
    why_refused_ = std::move(why_refused);
    adapt_ = std::move(adapt);
}

bool Adapters::goes_first(Gil gil, PyObject* object) {
    load(gil);
    if (PyType_IsSubtype(Py_TYPE(object), as_type(enum_))) return true;
    if (PyDict_GET_SIZE(overriding_.get()) == 0) return false;
    PyObject* order = Py_TYPE(object)->tp_mro;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(order); ++i) {
        const int found = PyDict_Contains(overriding_.get(), PyTuple_GET_ITEM(order, i));
        if (found < 0) throw loop_bridge::PyError{};
        if (found > 0) return true;
    }
    return false;
}

PyRef Adapters::adapt(Gil gil, PyObject* object) {
    load(gil);
    PyRef result = PyRef::steal(PyObject_CallOneArg(adapt_.get(), object));
    if (result.get() == Py_NotImplemented) return PyRef{};
    return result;
}

PyRef Adapters::from_struct(Gil, PyObject* fields) {
    if (!from_struct_) {
        const PyRef module = PyRef::steal(PyImport_ImportModule("erlang._structs"));
        from_struct_ = PyRef::steal(PyObject_GetAttrString(module.get(), "from_struct"));
    }
    return PyRef::steal(PyObject_CallOneArg(from_struct_.get(), fields));
}

std::string Adapters::why_refused(Gil gil, PyObject* object) {
    load(gil);
    // The full name of the type, such as "numpy.ndarray". Python code can't read it.
    const PyRef text = PyRef::steal(
        PyObject_CallFunction(why_refused_.get(), "Os", object, Py_TYPE(object)->tp_name));
    const PyRef utf8 =
        PyRef::steal(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace"));
    return {PyBytes_AS_STRING(utf8.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(utf8.get()))};
}

}  // namespace nif
