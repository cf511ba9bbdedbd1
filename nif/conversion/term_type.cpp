// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/term_type.h"

#include <structmember.h>

#include <cstring>

#include "loop_bridge/python/py_entry.h"
#include "nif/beam/map_builder.h"
#include "nif/beam/term_env.h"

namespace nif {

namespace {

using loop_bridge::Gil;
using loop_bridge::PyRef;
using loop_bridge::python_entry;
using loop_bridge::raise_python;

struct TermObject {
    PyObject base{};           // PyObject_HEAD
    ErlNifEnv* env = nullptr;  // owned; null for an immediate term, which needs none
    ERL_NIF_TERM term = 0;
    PyObject* weak_references = nullptr;
};

TermObject* as_term_object(PyObject* object) noexcept {
    return reinterpret_cast<TermObject*>(object);
}

// Pids and ports of this node are immediate terms.
bool is_immediate(ErlNifEnv* env, ERL_NIF_TERM term) {
    ErlNifPid pid;
    ErlNifPort port;
    return enif_get_local_pid(env, term, &pid) != 0 || enif_get_local_port(env, term, &port) != 0;
}

void term_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    TermObject* object = as_term_object(self);
    if (object->weak_references != nullptr) PyObject_ClearWeakRefs(self);
    if (object->env != nullptr) enif_free_env(object->env);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* term_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(
        PyExc_TypeError,
        "%.100s objects come from Erlang, as arguments and results; Python can't make them",
        type->tp_name);
    return nullptr;
}

PyObject* term_repr(PyObject* self) {
    return python_entry([&](Gil) {
        const std::string text = printed_term(held_term(self), 1000);
        return PyRef::steal(
            PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
    });
}

Py_hash_t term_hash(PyObject* self) {
    const auto hash = static_cast<Py_hash_t>(enif_hash(ERL_NIF_INTERNAL_HASH, held_term(self), 0));
    return hash == -1 ? -2 : hash;
}

// Erlang's order of terms, among all four types. Equality is `=:=`, as for keys of a map: `==`
// treats a fun over 1 and a fun over 1.0 as equal, though their hashes differ.
PyObject* term_richcompare(PyObject* self, PyObject* other, int operation) {
    if (Py_TYPE(other)->tp_richcompare != term_richcompare) Py_RETURN_NOTIMPLEMENTED;
    if (operation == Py_EQ || operation == Py_NE) {
        const bool identical = enif_is_identical(held_term(self), held_term(other)) != 0;
        return PyBool_FromLong(identical == (operation == Py_EQ) ? 1 : 0);
    }
    const int order = enif_compare(held_term(self), held_term(other));
    Py_RETURN_RICHCOMPARE(order, 0, operation);
}

PyObject* return_self(PyObject* self, PyObject*) {
    Py_INCREF(self);
    return self;
}

PyObject* term_reduce(PyObject* self, PyObject*) {
    return python_entry([&](Gil) {
        const TermEnv env = make_term_env();
        ErlNifBinary encoded;
        if (enif_term_to_binary(env.get(), held_term(self), &encoded) == 0) throw std::bad_alloc{};
        PyObject* bytes = PyBytes_FromStringAndSize(reinterpret_cast<const char*>(encoded.data),
                                                    static_cast<Py_ssize_t>(encoded.size));
        enif_release_binary(&encoded);
        const PyRef owner = PyRef::steal(bytes);
        const PyRef decoder = PyRef::steal(
            PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(self)), "_from_external"));
        return PyRef::steal(Py_BuildValue("O(O)", decoder.get(), bytes));
    });
}

// The function that __reduce__ names. Decodes external term format and makes no atoms.
template <ErlNifTermType kKind>
PyObject* from_external(PyObject* type, PyObject* bytes) {
    return python_entry([&](Gil gil) {
        if (!PyBytes_Check(bytes)) {
            PyErr_Format(PyExc_TypeError, "_from_external() needs bytes, not %.200s",
                         Py_TYPE(bytes)->tp_name);
            throw loop_bridge::PyError{};
        }
        const TermEnv env = make_term_env();
        const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(bytes));
        const auto* data = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(bytes));
        if (may_hold_unsafe_map(data, size)) {
            raise_python(
                gil, PyExc_ValueError,
                "this pickle may hold a map that is too large to decode outside of a scheduler "
                "on this OTP release");
        }
        ERL_NIF_TERM term = 0;
        // 0: the bytes can't be decoded.
        const std::size_t read =
            enif_binary_to_term(env.get(), data, size, &term, ERL_NIF_BIN2TERM_SAFE);
        if (read == 0 || read != size || enif_term_type(env.get(), term) != kKind) {
            PyErr_Format(PyExc_ValueError, "these bytes are not a pickled %.100s of this node",
                         reinterpret_cast<PyTypeObject*>(type)->tp_name);
            throw loop_bridge::PyError{};
        }
        return make_term_object(gil, reinterpret_cast<PyTypeObject*>(type), env.get(), term);
    });
}

template <ErlNifTermType kKind>
PyMethodDef methods[] = {
    {"__copy__", return_self, METH_NOARGS, nullptr},
    {"__deepcopy__", return_self, METH_O, nullptr},
    {"__reduce__", term_reduce, METH_NOARGS, nullptr},
    {"_from_external", from_external<kKind>, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

template <ErlNifTermType kKind>
PyRef make_type(PyObject* module, const char* name, const char* doc) {
    static PyMemberDef members[] = {
        {"__weaklistoffset__", T_PYSSIZET, offsetof(TermObject, weak_references), READONLY,
         nullptr},
        {nullptr, 0, 0, 0, nullptr},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(term_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(term_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(term_repr)},
        {Py_tp_hash, reinterpret_cast<void*>(term_hash)},
        {Py_tp_richcompare, reinterpret_cast<void*>(term_richcompare)},
        {Py_tp_methods, methods<kKind>},
        {Py_tp_members, members},
        {Py_tp_doc, const_cast<char*>(doc)},
        {0, nullptr},
    };
    PyType_Spec spec{name, sizeof(TermObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                     slots};
    return PyRef::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace

PyRef make_pid_type(Gil, PyObject* module) {
    return make_type<ERL_NIF_TERM_TYPE_PID>(module, "erlang.Pid", "An Erlang process.");
}

PyRef make_ref_type(Gil, PyObject* module) {
    return make_type<ERL_NIF_TERM_TYPE_REFERENCE>(module, "erlang.Ref", "An Erlang reference.");
}

PyRef make_port_type(Gil, PyObject* module) {
    return make_type<ERL_NIF_TERM_TYPE_PORT>(module, "erlang.Port", "An Erlang port.");
}

PyRef make_fun_type(Gil, PyObject* module) {
    return make_type<ERL_NIF_TERM_TYPE_FUN>(
        module, "erlang.Fun", "An Erlang fun. Python can keep it and send it, but not call it.");
}

PyRef make_term_object(Gil, PyTypeObject* type, ErlNifEnv* env, ERL_NIF_TERM term) {
    PyRef made = PyRef::steal(type->tp_alloc(type, 0));
    TermObject* object = as_term_object(made.get());
    if (is_immediate(env, term)) {
        object->term = term;
        return made;
    }
    object->env = make_term_env().release();
    object->term = enif_make_copy(object->env, term);
    return made;
}

ERL_NIF_TERM held_term(PyObject* object) noexcept { return as_term_object(object)->term; }

std::string printed_term(ERL_NIF_TERM term, std::size_t limit) {
    // The precision limits the number of parts of a large term that are visited.
    constexpr int kParts = 100;
    std::string text(limit + 1, '\0');
    if (enif_snprintf(text.data(), text.size(), "%.*T", kParts, term) < 0) return "?";
    const std::size_t length = std::strlen(text.c_str());
    text.resize(length);
    if (length == limit) text += "...";
    return text;
}

}  // namespace nif
