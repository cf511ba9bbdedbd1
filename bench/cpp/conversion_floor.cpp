// SPDX-License-Identifier: Apache-2.0
#include "bench/cpp/conversion_floor.h"

#include <algorithm>

#include "nif/beam/map_iterator.h"
#include "nif/conversion/term_stack.h"

namespace nif {
namespace {

PyRef list_made_again(Gil gil, PyObject* value) {
    const Py_ssize_t size = PyList_GET_SIZE(value);
    PyRef list = PyRef::steal(PyList_New(size));
    for (Py_ssize_t i = 0; i < size; ++i) {
        PyList_SET_ITEM(list.get(), i, object_made_again(gil, PyList_GET_ITEM(value, i)).release());
    }
    return list;
}

PyRef tuple_made_again(Gil gil, PyObject* value) {
    const Py_ssize_t size = PyTuple_GET_SIZE(value);
    PyRef tuple = PyRef::steal(PyTuple_New(size));
    for (Py_ssize_t i = 0; i < size; ++i) {
        PyTuple_SET_ITEM(tuple.get(), i,
                         object_made_again(gil, PyTuple_GET_ITEM(value, i)).release());
    }
    return tuple;
}

PyRef dict_made_again(Gil gil, PyObject* value) {
    PyRef dict = PyRef::steal(PyDict_New());
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    PyObject* item = nullptr;
    while (PyDict_Next(value, &position, &key, &item) != 0) {
        const PyRef new_key = object_made_again(gil, key);
        const PyRef new_item = object_made_again(gil, item);
        if (PyDict_SetItem(dict.get(), new_key.get(), new_item.get()) < 0) throw PyError{};
    }
    return dict;
}

PyRef integer_made_again(Gil, PyObject* value) {
    int overflow = 0;
    const long long integer = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) return PyRef::steal(PyLong_FromLongLong(integer));
    return PyRef::steal(PyNumber_Invert(PyRef::steal(PyNumber_Invert(value)).get()));
}

class TermMaker {
public:
    explicit TermMaker(ErlNifEnv* env) : env_(env) {}

    ERL_NIF_TERM make(ERL_NIF_TERM term) {
        switch (enif_term_type(env_, term)) {
            case ERL_NIF_TERM_TYPE_BITSTRING:
                return make_binary(term);
            case ERL_NIF_TERM_TYPE_LIST:
                return make_list(term);
            case ERL_NIF_TERM_TYPE_TUPLE:
                return make_tuple(term);
            case ERL_NIF_TERM_TYPE_MAP:
                return make_map(term);
            default:
                return enif_make_copy(env_, term);
        }
    }

private:
    ERL_NIF_TERM make_binary(ERL_NIF_TERM term) {
        ErlNifBinary binary;
        enif_inspect_binary(env_, term, &binary);
        ERL_NIF_TERM made = 0;
        std::copy_n(binary.data, binary.size, enif_make_new_binary(env_, binary.size, &made));
        return made;
    }

    ERL_NIF_TERM make_list(ERL_NIF_TERM list) {
        unsigned length = 0;
        enif_get_list_length(env_, list, &length);
        const std::size_t first = terms_.push(length);
        ERL_NIF_TERM head = 0;
        for (std::size_t i = first; enif_get_list_cell(env_, list, &head, &list) != 0; ++i) {
            put(i, head);
        }
        const ERL_NIF_TERM made = enif_make_list_from_array(env_, terms_.at(first), length);
        terms_.pop(first);
        return made;
    }

    ERL_NIF_TERM make_tuple(ERL_NIF_TERM tuple) {
        const ERL_NIF_TERM* elements = nullptr;
        int arity = 0;
        enif_get_tuple(env_, tuple, &arity, &elements);
        const auto count = static_cast<unsigned>(arity);
        const std::size_t first = terms_.push(count);
        for (unsigned i = 0; i < count; ++i) put(first + i, elements[i]);
        const ERL_NIF_TERM made = enif_make_tuple_from_array(env_, terms_.at(first), count);
        terms_.pop(first);
        return made;
    }

    ERL_NIF_TERM make_map(ERL_NIF_TERM map) {
        std::size_t size = 0;
        enif_get_map_size(env_, map, &size);
        const std::size_t first = terms_.push(2 * size);
        std::size_t i = first;
        for (MapIterator entries(env_, map); entries.next(); ++i) {
            put(i, entries.key());
            put(i + size, entries.value());
        }
        ERL_NIF_TERM made = 0;
        enif_make_map_from_arrays(env_, terms_.at(first), terms_.at(first + size), size, &made);
        terms_.pop(first);
        return made;
    }

    // The term is stored last: making it may move the other terms.
    void put(std::size_t place, ERL_NIF_TERM source) {
        const ERL_NIF_TERM term = make(source);
        *terms_.at(place) = term;
    }

    ErlNifEnv* env_;
    TermStack terms_;
};

}  // namespace

PyRef object_made_again(Gil gil, PyObject* value) {
    if (PyBool_Check(value)) return PyRef::borrow(value);
    if (PyLong_CheckExact(value)) return integer_made_again(gil, value);
    if (PyFloat_CheckExact(value))
        return PyRef::steal(PyFloat_FromDouble(PyFloat_AS_DOUBLE(value)));
    if (PyUnicode_CheckExact(value)) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(value, &size);  // owned by `value`
        return PyRef::steal(PyUnicode_DecodeUTF8(text, size, nullptr));
    }
    if (PyBytes_CheckExact(value)) {
        return PyRef::steal(
            PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)));
    }
    if (PyList_CheckExact(value)) return list_made_again(gil, value);
    if (PyTuple_CheckExact(value)) return tuple_made_again(gil, value);
    if (PyDict_CheckExact(value)) return dict_made_again(gil, value);
    return PyRef::borrow(value);
}

ERL_NIF_TERM term_made_again(ErlNifEnv* env, ERL_NIF_TERM term) {
    return TermMaker(env).make(term);
}

}  // namespace nif
