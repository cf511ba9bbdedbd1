// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/term_to_python.h"

#include <string>
#include <utility>

#include "nif/beam/atoms.h"
#include "nif/beam/deeper.h"
#include "nif/beam/map_iterator.h"
#include "nif/conversion/adapters.h"
#include "nif/conversion/atom_type.h"
#include "nif/conversion/big_integer.h"
#include "nif/conversion/term_type.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

class TermReader {
public:
    TermReader(const ConversionState& conversion, ErlNifEnv* env, Binaries binaries,
               std::string_view root)
        : conversion_(conversion), env_(env), root_(root), binaries_(binaries) {}

    PyRef read(Gil gil, ERL_NIF_TERM term, const PathStep* at);
    PyRef read_map(Gil gil, ERL_NIF_TERM term, Binaries keys, const PathStep* at);

private:
    PyRef read_atom(Gil gil, ERL_NIF_TERM term);
    PyRef read_integer(Gil gil, ERL_NIF_TERM term);
    PyRef read_float(Gil gil, ERL_NIF_TERM term);
    PyRef read_binary(Gil gil, ERL_NIF_TERM term, const PathStep* at);
    PyRef read_binary_as(Gil gil, Binaries binaries, const ErlNifBinary& binary, ERL_NIF_TERM term,
                         const PathStep* at);
    PyRef read_key(Gil gil, Binaries binaries, ERL_NIF_TERM term, const PathStep* at);
    PyRef read_list(Gil gil, ERL_NIF_TERM term, const PathStep* at);
    PyRef read_tuple(Gil gil, ERL_NIF_TERM term, const PathStep* at);
    PyRef read_struct(Gil gil, PyObject* fields, const PathStep* at);
    void add_to_dict(Gil gil, PyObject* dict, const PyRef& key, const PyRef& value,
                     ERL_NIF_TERM key_term, const PathStep* at);
    void check_depth(Gil gil, const PathStep* at) const;
    [[noreturn]] void refuse(Gil gil, const PathStep* at, const char* what, ERL_NIF_TERM term);

    const ConversionState& conversion_;
    ErlNifEnv* env_;
    std::string_view root_;
    Binaries binaries_;
    int depth_ = 0;
};

PyRef TermReader::read(Gil gil, ERL_NIF_TERM term, const PathStep* at) {
    switch (enif_term_type(env_, term)) {
        case ERL_NIF_TERM_TYPE_ATOM:
            return read_atom(gil, term);
        case ERL_NIF_TERM_TYPE_BITSTRING:
            return read_binary(gil, term, at);
        case ERL_NIF_TERM_TYPE_FLOAT:
            return read_float(gil, term);
        case ERL_NIF_TERM_TYPE_FUN:
            return make_term_object(gil, conversion_.fun_type(), env_, term);
        case ERL_NIF_TERM_TYPE_INTEGER:
            return read_integer(gil, term);
        case ERL_NIF_TERM_TYPE_LIST:
            return read_list(gil, term, at);
        case ERL_NIF_TERM_TYPE_MAP:
            return read_map(gil, term, binaries_, at);
        case ERL_NIF_TERM_TYPE_PID:
            return make_term_object(gil, conversion_.pid_type(), env_, term);
        case ERL_NIF_TERM_TYPE_PORT:
            return make_term_object(gil, conversion_.port_type(), env_, term);
        case ERL_NIF_TERM_TYPE_REFERENCE:
            return make_term_object(gil, conversion_.ref_type(), env_, term);
        case ERL_NIF_TERM_TYPE_TUPLE:
            return read_tuple(gil, term, at);
        default:
            refuse(gil, at, "term", term);
    }
}

PyRef TermReader::read_atom(Gil gil, ERL_NIF_TERM term) {
    if (term == atoms.true_) return PyRef::borrow(Py_True);
    if (term == atoms.false_) return PyRef::borrow(Py_False);
    if (term == atoms.none || term == atoms.undefined || term == atoms.nil) {
        return PyRef::borrow(Py_None);
    }
    return conversion_.atom_cache->get(gil, conversion_.atom_type(), env_, term);
}

PyRef TermReader::read_integer(Gil gil, ERL_NIF_TERM term) {
    ErlNifSInt64 integer = 0;
    if (enif_get_int64(env_, term, &integer) != 0) {
        return PyRef::steal(PyLong_FromLongLong(integer));
    }
    return big_integer_to_python(gil, *conversion_.integer_methods, env_, term);
}

PyRef TermReader::read_float(Gil, ERL_NIF_TERM term) {
    double number = 0;
    enif_get_double(env_, term, &number);
    return PyRef::steal(PyFloat_FromDouble(number));
}

PyRef TermReader::read_binary(Gil gil, ERL_NIF_TERM term, const PathStep* at) {
    ErlNifBinary binary;
    if (enif_inspect_binary(env_, term, &binary) == 0) refuse(gil, at, "bitstring", term);
    return read_binary_as(gil, binaries_, binary, term, at);
}

PyRef TermReader::read_binary_as(Gil gil, Binaries binaries, const ErlNifBinary& binary,
                                 ERL_NIF_TERM term, const PathStep* at) {
    const char* data = reinterpret_cast<const char*>(binary.data);
    const auto size = static_cast<Py_ssize_t>(binary.size);
    if (binaries == Binaries::kBytes) return PyRef::steal(PyBytes_FromStringAndSize(data, size));
    PyObject* text = PyUnicode_DecodeUTF8(data, size, nullptr);
    if (text == nullptr && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError) != 0) {
        PyErr_Clear();
        std::string why{"the binary "};
        why += printed_term(term);
        why += " is not UTF-8 text; use binaries=\"bytes\", or {bytes, Binary} in Erlang";
        raise_at(gil, PyExc_TypeError, root_, at, why);
    }
    return PyRef::steal(text);
}

PyRef TermReader::read_list(Gil gil, ERL_NIF_TERM term, const PathStep* at) {
    unsigned length = 0;
    if (enif_get_list_length(env_, term, &length) == 0) refuse(gil, at, "improper list", term);
    check_depth(gil, at);
    const Deeper level{depth_};
    PyRef list = PyRef::steal(PyList_New(static_cast<Py_ssize_t>(length)));
    PathStep step{at};
    for (; step.index < length; ++step.index) {
        ERL_NIF_TERM head = 0;
        enif_get_list_cell(env_, term, &head, &term);
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(step.index),
                        read(gil, head, &step).release());
    }
    return list;
}

PyRef TermReader::read_tuple(Gil gil, ERL_NIF_TERM term, const PathStep* at) {
    const ERL_NIF_TERM* elements = nullptr;
    int arity = 0;
    enif_get_tuple(env_, term, &arity, &elements);
    if (arity == 2) {
        ErlNifBinary binary;
        const auto binaries = read_binaries(elements[0]);
        if (binaries && enif_inspect_binary(env_, elements[1], &binary) != 0) {
            return read_binary_as(gil, *binaries, binary, elements[1], at);
        }
    }
    check_depth(gil, at);
    const Deeper level{depth_};
    PyRef tuple = PyRef::steal(PyTuple_New(arity));
    PathStep step{at};
    for (int i = 0; i < arity; ++i) {
        step.index = static_cast<std::size_t>(i);
        PyTuple_SET_ITEM(tuple.get(), i, read(gil, elements[i], &step).release());
    }
    return tuple;
}

PyRef TermReader::read_map(Gil gil, ERL_NIF_TERM term, Binaries keys, const PathStep* at) {
    check_depth(gil, at);
    const Deeper level{depth_};
    PyRef dict = PyRef::steal(PyDict_New());
    bool is_struct = false;
    PathStep step{at};
    for (MapIterator entries(env_, term); entries.next(); ++step.index) {
        step.kind = PathStep::Kind::kElement;
        const PyRef key = read_key(gil, keys, entries.key(), &step);
        step.kind = PathStep::Kind::kKey;
        step.key = key.get();
        const PyRef value = read(gil, entries.value(), &step);
        add_to_dict(gil, dict.get(), key, value, entries.key(), at);
        is_struct = is_struct || entries.key() == atoms.struct_;
    }
    return is_struct ? read_struct(gil, dict.get(), at) : std::move(dict);
}

PyRef TermReader::read_struct(Gil gil, PyObject* fields, const PathStep* at) {
    try {
        return conversion_.adapters->from_struct(gil, fields);
    } catch (const PyError&) {
        rethrow_with_place(gil, root_, at, "a Python value");
    }
}

PyRef TermReader::read_key(Gil gil, Binaries binaries, ERL_NIF_TERM term, const PathStep* at) {
    const Binaries outer = std::exchange(binaries_, binaries);
    PyRef key = read(gil, term, at);
    binaries_ = outer;
    return key;
}

void TermReader::add_to_dict(Gil gil, PyObject* dict, const PyRef& key, const PyRef& value,
                             ERL_NIF_TERM key_term, const PathStep* at) {
    const Py_ssize_t size = PyDict_GET_SIZE(dict);
    if (PyDict_SetItem(dict, key.get(), value.get()) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw PyError{};
        refuse(gil, at, "map with the unhashable key", key_term);
    }
    if (PyDict_GET_SIZE(dict) == size) {
        // 1 and 1.0, or an atom and its text, are two keys in Erlang but one in Python.
        refuse(gil, at, "map with two keys that are equal in Python, one of them", key_term);
    }
}

void TermReader::check_depth(Gil gil, const PathStep* at) const {
    if (depth_ >= kMaxDepth) raise_too_deep(gil, root_, at);
}

void TermReader::refuse(Gil gil, const PathStep* at, const char* what, ERL_NIF_TERM term) {
    raise_at(gil, PyExc_TypeError, root_, at,
             std::string("there is no Python value for the ") + what + " " + printed_term(term));
}

}  // namespace

PyRef term_to_python(Gil gil, const ConversionState& conversion, ErlNifEnv* env, ERL_NIF_TERM term,
                     Binaries binaries, std::string_view root, const PathStep* at) {
    return TermReader(conversion, env, binaries, root).read(gil, term, at);
}

PyRef named_terms_to_python(Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                            ERL_NIF_TERM map, Binaries binaries, std::string_view root,
                            const PathStep* at) {
    return TermReader(conversion, env, binaries, root).read_map(gil, map, Binaries::kText, at);
}

}  // namespace nif
