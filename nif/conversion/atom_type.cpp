// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/atom_type.h"

#include <structmember.h>

#include <atomic>
#include <string>

#include "loop_bridge/python/py_entry.h"
#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"

namespace nif {

namespace {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::python_entry;
using loop_bridge::raise_python;

// The data of an Atom behind its str.
struct AtomPart {
    ERL_NIF_TERM term;
    PyObject* weak_references;
};

AtomPart* atom_part(PyObject* object) noexcept {
    return reinterpret_cast<AtomPart*>(reinterpret_cast<char*>(object) +
                                       PyUnicode_Type.tp_basicsize);
}

PyRef new_atom_object(Gil, PyTypeObject* type, PyObject* text, ERL_NIF_TERM term) {
    const PyRef arguments = PyRef::steal(PyTuple_Pack(1, text));
    PyRef object = PyRef::steal(PyUnicode_Type.tp_new(type, arguments.get(), nullptr));
    atom_part(object.get())->term = term;
    return object;
}

// In a fork of the node: other threads may have held the locks of the atom table.
std::atomic<bool> atom_table_left{false};

// The count of the whole node, which has one atom table.
std::atomic<long> atoms_made{0};

ERL_NIF_TERM make_atom_within_budget(Gil gil, ErlNifEnv* env, std::string_view utf8) {
    if (const auto known = find_atom(env, utf8)) return *known;
    if (atoms_made.fetch_add(1, std::memory_order_relaxed) >= kAtomBudget) {
        atoms_made.fetch_sub(1, std::memory_order_relaxed);
        PyErr_Format(PyExc_ValueError,
                     "Python has made %ld new atoms, the most that this node allows; atoms are "
                     "never freed: send text as str",
                     kAtomBudget);
        throw PyError{};
    }
    if (const auto made = make_atom(env, utf8)) return *made;
    raise_python(gil, PyExc_ValueError, "this text can't be an atom");
}

PyRef atom_from_text(Gil gil, PyTypeObject* type, PyObject* text) {
    if (Py_TYPE(text) == type) return PyRef::borrow(text);
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "an atom is made of a str, not of '%.100s'",
                     Py_TYPE(text)->tp_name);
        throw PyError{};
    }
    if (PyUnicode_GetLength(text) > static_cast<Py_ssize_t>(kMaxAtomLength)) {
        PyErr_Format(PyExc_ValueError, "an atom has at most %zu characters", kMaxAtomLength);
        throw PyError{};
    }
    PyObject* encoded = PyUnicode_AsUTF8String(text);
    if (encoded == nullptr) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeError)) {
            PyErr_Clear();
            raise_python(gil, PyExc_ValueError, "an atom can't have lone surrogates");
        }
        throw PyError{};
    }
    const PyRef owner = PyRef::steal(encoded);
    if (atom_table_left.load(std::memory_order_relaxed)) {
        return new_atom_object(gil, type, text, atoms.none);  // its term is never used
    }
    const std::string_view utf8(PyBytes_AS_STRING(encoded),
                                static_cast<std::size_t>(PyBytes_GET_SIZE(encoded)));
    const TermEnv env = make_term_env();
    return new_atom_object(gil, type, text, make_atom_within_budget(gil, env.get(), utf8));
}

PyObject* atom_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    return python_entry([&](Gil gil) {
        if ((kwargs != nullptr && PyDict_GET_SIZE(kwargs) != 0) || PyTuple_GET_SIZE(args) != 1) {
            raise_python(gil, PyExc_TypeError, "Atom() takes one argument: its text");
        }
        return atom_from_text(gil, type, PyTuple_GET_ITEM(args, 0));
    });
}

// The default tp_dealloc of heap types does not clear weak references of such simple types.
void atom_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    if (atom_part(self)->weak_references != nullptr) PyObject_ClearWeakRefs(self);
    PyUnicode_Type.tp_dealloc(self);
    Py_DECREF(type);
}

PyRef plain_text(Gil, PyObject* self) { return PyRef::steal(PyUnicode_FromObject(self)); }

PyObject* atom_repr(PyObject* self) {
    return python_entry([&](Gil gil) {
        return PyRef::steal(PyUnicode_FromFormat("Atom(%R)", plain_text(gil, self).get()));
    });
}

PyObject* atom_reduce(PyObject* self, PyObject*) {
    return python_entry([&](Gil gil) {
        return PyRef::steal(Py_BuildValue("O(O)", Py_TYPE(self), plain_text(gil, self).get()));
    });
}

PyObject* return_self(PyObject* self, PyObject*) {
    Py_INCREF(self);
    return self;
}

PyMethodDef methods[] = {
    {"__copy__", return_self, METH_NOARGS, nullptr},
    {"__deepcopy__", return_self, METH_O, nullptr},
    {"__reduce__", atom_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

constexpr const char* kDoc =
    "Atom(text, /)\n--\n\n"
    "An Erlang atom. It equals its text, and becomes the same atom when it is sent to Erlang.\n\n"
    "Erlang never frees atoms: make atoms from a fixed set of texts only. Python can make at most\n"
    "100,000 new atoms in a node; then ValueError.";

}  // namespace

PyRef make_atom_type(Gil, PyObject* module) {
    const Py_ssize_t weak_references =
        PyUnicode_Type.tp_basicsize + static_cast<Py_ssize_t>(offsetof(AtomPart, weak_references));
    PyMemberDef members[] = {
        {"__weaklistoffset__", T_PYSSIZET, weak_references, READONLY, nullptr},
        {nullptr, 0, 0, 0, nullptr},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(atom_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(atom_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(atom_repr)},
        {Py_tp_methods, methods},
        {Py_tp_members, members},
        {Py_tp_doc, const_cast<char*>(kDoc)},
        {0, nullptr},
    };
    const Py_ssize_t size = PyUnicode_Type.tp_basicsize + static_cast<Py_ssize_t>(sizeof(AtomPart));
    PyType_Spec spec{"erlang.Atom", static_cast<int>(size), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
    return PyRef::steal(
        PyType_FromModuleAndSpec(module, &spec, reinterpret_cast<PyObject*>(&PyUnicode_Type)));
}

void leave_atom_table() noexcept { atom_table_left.store(true, std::memory_order_relaxed); }

ERL_NIF_TERM atom_term(PyObject* object) noexcept { return atom_part(object)->term; }

PyRef AtomCache::get(Gil gil, PyTypeObject* atom_type, ErlNifEnv* env, ERL_NIF_TERM term) {
    // The low six bits of an atom are its tag.
    const std::size_t place = (static_cast<std::size_t>(term) >> 6) % kEntries;
    if (entries_[place].object && entries_[place].term == term) return entries_[place].object;
    const std::string utf8 = atom_text(env, term).value_or("");
    const PyRef text = PyRef::steal(
        PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), nullptr));
    PyRef object = new_atom_object(gil, atom_type, text.get(), term);
    entries_[place] = Entry{term, object};
    return object;
}

}  // namespace nif
