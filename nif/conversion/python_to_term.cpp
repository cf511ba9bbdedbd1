// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/python_to_term.h"

#include <cmath>
#include <string>
#include <utility>

#include "nif/beam/atoms.h"
#include "nif/beam/map_builder.h"
#include "nif/beam/term_env.h"
#include "nif/conversion/adapters.h"
#include "nif/conversion/atom_type.h"
#include "nif/conversion/big_integer.h"
#include "nif/conversion/bytes_to_term.h"
#include "nif/conversion/term_stack.h"
#include "nif/conversion/term_type.h"
#include "nif/conversion/value_path.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

// The limit of Erlang.
constexpr Py_ssize_t kMaxTupleSize = (1 << 24) - 1;

// Adapters and finalizers may run Python code, which may change a container during its conversion.
// So the conversion holds references to containers and elements, and checks sizes before each step.
class TermWriter {
public:
    TermWriter(const ConversionState& conversion, ErlNifEnv* env, std::string_view root)
        : conversion_(conversion), env_(env), root_(root) {}

    ERL_NIF_TERM write(Gil gil, PyObject* value, const PathStep* at);

private:
    ERL_NIF_TERM write_uncommon(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_by_base(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_integer(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_float(double number);
    ERL_NIF_TERM write_text(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_buffer(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_list(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_tuple(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_set(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_dict(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_dict_apart(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_entries(Gil gil, PyObject* value, const PathStep* at);
    ERL_NIF_TERM write_adapted(Gil gil, PyObject* value, const PathStep* at);

    void enter(Gil gil, PyObject* value, const PathStep* at);
    void leave(std::size_t first) noexcept;
    [[noreturn]] void refuse_changed(Gil gil, PyObject* value, const PathStep* at);

    const ConversionState& conversion_;
    ErlNifEnv* env_;  // the outermost environment, except inside a large dict
    std::string_view root_;
    int depth_ = 0;
    TermStack terms_;
};

ERL_NIF_TERM TermWriter::write(Gil gil, PyObject* value, const PathStep* at) {
    const PyTypeObject* type = Py_TYPE(value);
    if (type == &PyUnicode_Type) return write_text(gil, value, at);
    if (type == &PyLong_Type) return write_integer(gil, value, at);
    if (type == &PyDict_Type) return write_dict(gil, value, at);
    if (type == &PyList_Type) return write_list(gil, value, at);
    if (type == &PyTuple_Type) return write_tuple(gil, value, at);
    if (value == Py_None) return none_spelling.load(std::memory_order_relaxed);
    if (value == Py_True) return atoms.true_;
    if (value == Py_False) return atoms.false_;
    if (type == &PyFloat_Type) return write_float(PyFloat_AS_DOUBLE(value));
    if (type == &PyBytes_Type) return bytes_to_term(gil, env_, value);
    if (type == conversion_.atom_type()) return atom_term(value);
    return write_uncommon(gil, value, at);
}

ERL_NIF_TERM TermWriter::write_uncommon(Gil gil, PyObject* value, const PathStep* at) {
    const PyTypeObject* type = Py_TYPE(value);
    if (type == conversion_.pid_type() || type == conversion_.ref_type() ||
        type == conversion_.port_type() || type == conversion_.fun_type()) {
        return enif_make_copy(env_, held_term(value));
    }
    constexpr unsigned long kConvertibleBase =
        Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS |
        Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS;
    const bool convertible = (PyType_GetFlags(Py_TYPE(value)) & kConvertibleBase) != 0 ||
                             PyFloat_Check(value) || PyAnySet_Check(value) ||
                             PyByteArray_Check(value) || PyMemoryView_Check(value);
    if (!convertible || conversion_.adapters->goes_first(gil, value)) {
        return write_adapted(gil, value, at);
    }
    return write_by_base(gil, value, at);
}

// The class is a builtin class or derived from one, and no adapter takes precedence.
ERL_NIF_TERM TermWriter::write_by_base(Gil gil, PyObject* value, const PathStep* at) {
    if (PyLong_Check(value)) return write_integer(gil, value, at);
    if (PyUnicode_Check(value)) return write_text(gil, value, at);
    if (PyFloat_Check(value)) return write_float(PyFloat_AS_DOUBLE(value));
    if (PyBytes_Check(value)) return bytes_to_term(gil, env_, value);
    if (PyDict_Check(value)) return write_dict(gil, value, at);
    if (PyList_Check(value)) return write_list(gil, value, at);
    if (PyTuple_Check(value)) return write_tuple(gil, value, at);
    if (PyAnySet_Check(value)) return write_set(gil, value, at);
    return write_buffer(gil, value, at);
}

ERL_NIF_TERM TermWriter::write_integer(Gil gil, PyObject* value, const PathStep* at) {
    int overflow = 0;
    const long long integer = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) return enif_make_int64(env_, integer);
    try {
        return big_integer_to_term(gil, *conversion_.integer_methods, env_, value);
    } catch (const PyError&) {
        rethrow_with_place(gil, root_, at);
    }
}

ERL_NIF_TERM TermWriter::write_float(double number) {
    if (std::isfinite(number)) return enif_make_double(env_, number);
    if (std::isnan(number)) return atoms.nan;
    return number > 0 ? atoms.infinity : atoms.neg_infinity;
}

ERL_NIF_TERM TermWriter::write_text(Gil gil, PyObject* value, const PathStep* at) {
    try {
        return text_to_term(gil, env_, value);
    } catch (const PyError&) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeError)) throw;
        raise_at(gil, PyExc_ValueError, root_, at,
                 "text with lone surrogates has no UTF-8 form; replace them, or send bytes");
    }
}

ERL_NIF_TERM TermWriter::write_buffer(Gil gil, PyObject* value, const PathStep* at) {
    try {
        return buffer_to_term(gil, env_, value);
    } catch (const PyError&) {
        rethrow_with_place(gil, root_, at);  // a released memoryview
    }
}

ERL_NIF_TERM TermWriter::write_list(Gil gil, PyObject* value, const PathStep* at) {
    enter(gil, value, at);
    const auto size = static_cast<std::size_t>(PyList_GET_SIZE(value));
    const std::size_t first = terms_.push(size);
    PathStep step{at, value};
    for (; step.index < size; ++step.index) {
        if (static_cast<std::size_t>(PyList_GET_SIZE(value)) != size) {
            refuse_changed(gil, value, at);
        }
        const PyRef item =
            PyRef::borrow(PyList_GET_ITEM(value, static_cast<Py_ssize_t>(step.index)));
        const ERL_NIF_TERM term = write(gil, item.get(), &step);
        *terms_.at(first + step.index) = term;
    }
    const ERL_NIF_TERM list =
        enif_make_list_from_array(env_, terms_.at(first), static_cast<unsigned>(size));
    leave(first);
    return list;
}

ERL_NIF_TERM TermWriter::write_tuple(Gil gil, PyObject* value, const PathStep* at) {
    enter(gil, value, at);
    if (PyTuple_GET_SIZE(value) > kMaxTupleSize) {
        raise_at(gil, PyExc_ValueError, root_, at,
                 "the tuple has " + std::to_string(PyTuple_GET_SIZE(value)) +
                     " items, an Erlang tuple at most " + std::to_string(kMaxTupleSize) +
                     "; send a list");
    }
    const auto size = static_cast<std::size_t>(PyTuple_GET_SIZE(value));
    const std::size_t first = terms_.push(size);
    PathStep step{at, value};
    for (; step.index < size; ++step.index) {
        PyObject* item = PyTuple_GET_ITEM(value, static_cast<Py_ssize_t>(step.index));
        const ERL_NIF_TERM term = write(gil, item, &step);
        *terms_.at(first + step.index) = term;
    }
    const ERL_NIF_TERM tuple =
        enif_make_tuple_from_array(env_, terms_.at(first), static_cast<unsigned>(size));
    leave(first);
    return tuple;
}

ERL_NIF_TERM TermWriter::write_set(Gil gil, PyObject* value, const PathStep* at) {
    enter(gil, value, at);
    const auto size = static_cast<std::size_t>(PySet_GET_SIZE(value));
    const std::size_t first = terms_.push(size);
    const PyRef iterator = PyRef::steal(PySet_Type.tp_iter(value));
    PathStep step{at, value, nullptr, 0, PathStep::Kind::kElement};
    while (PyObject* next = PyIter_Next(iterator.get())) {
        const PyRef item = PyRef::steal(next);
        if (step.index == size) refuse_changed(gil, value, at);
        const ERL_NIF_TERM term = write(gil, item.get(), &step);
        *terms_.at(first + step.index++) = term;
    }
    // The set's own iterator raises if the set has changed.
    if (PyErr_Occurred() != nullptr || step.index != size) refuse_changed(gil, value, at);
    const ERL_NIF_TERM list =
        enif_make_list_from_array(env_, terms_.at(first), static_cast<unsigned>(size));
    leave(first);
    return list;
}

ERL_NIF_TERM TermWriter::write_dict(Gil gil, PyObject* value, const PathStep* at) {
    const bool apart = map_leaves_garbage(static_cast<std::size_t>(PyDict_GET_SIZE(value)));
    return apart ? write_dict_apart(gil, value, at) : write_entries(gil, value, at);
}

ERL_NIF_TERM TermWriter::write_entries(Gil gil, PyObject* value, const PathStep* at) {
    enter(gil, value, at);
    const auto size = static_cast<std::size_t>(PyDict_GET_SIZE(value));
    const std::size_t first = terms_.push(2 * size);
    PathStep step{at, value};
    Py_ssize_t position = 0;
    PyObject* borrowed_key = nullptr;
    PyObject* borrowed_value = nullptr;
    while (PyDict_Next(value, &position, &borrowed_key, &borrowed_value) != 0) {
        if (step.index == size) refuse_changed(gil, value, at);
        const PyRef key = PyRef::borrow(borrowed_key);
        const PyRef item = PyRef::borrow(borrowed_value);
        step.kind = PathStep::Kind::kElement;
        const ERL_NIF_TERM key_term = write(gil, key.get(), &step);
        step.kind = PathStep::Kind::kKey;
        step.key = key.get();
        const ERL_NIF_TERM item_term = write(gil, item.get(), &step);
        *terms_.at(first + step.index) = key_term;
        *terms_.at(first + size + step.index) = item_term;
        ++step.index;
        if (static_cast<std::size_t>(PyDict_GET_SIZE(value)) != size) {
            refuse_changed(gil, value, at);
        }
    }
    if (step.index != size) refuse_changed(gil, value, at);
    ERL_NIF_TERM* keys = terms_.at(first);
    const auto map = make_map(env_, keys, terms_.at(first + size), size);
    if (!map) {
        raise_at(gil, PyExc_ValueError, root_, at,
                 "two keys of the dict become the same Erlang key " +
                     printed_term(repeated_term(keys, size)));
    }
    leave(first);
    return *map;
}

ERL_NIF_TERM TermWriter::write_dict_apart(Gil gil, PyObject* value, const PathStep* at) {
    const TermEnv apart = make_term_env();
    ErlNifEnv* outer = std::exchange(env_, apart.get());
    const ERL_NIF_TERM map = write_entries(gil, value, at);
    env_ = outer;
    return enif_make_copy(env_, map);
}

ERL_NIF_TERM TermWriter::write_adapted(Gil gil, PyObject* value, const PathStep* at) {
    // Counts as a level: an adapter that returns its argument would recurse for ever.
    enter(gil, value, at);
    PyRef adapted;
    std::string why_refused;
    try {
        adapted = conversion_.adapters->adapt(gil, value);
        if (!adapted) why_refused = conversion_.adapters->why_refused(gil, value);
    } catch (const PyError&) {
        rethrow_with_place(gil, root_, at);
    }
    if (!adapted) raise_at(gil, PyExc_TypeError, root_, at, why_refused);
    const PathStep step{at, value, nullptr, 0, PathStep::Kind::kConverted};
    const ERL_NIF_TERM term = write(gil, adapted.get(), &step);
    --depth_;
    return term;
}

void TermWriter::enter(Gil gil, PyObject* value, const PathStep* at) {
    if (depth_ >= kMaxDepth) raise_too_deep(gil, root_, at, value);
    ++depth_;
}

void TermWriter::leave(std::size_t first) noexcept {
    terms_.pop(first);
    --depth_;
}

void TermWriter::refuse_changed(Gil gil, PyObject* value, const PathStep* at) {
    raise_at(gil, PyExc_RuntimeError, root_, at,
             "the " + std::string(Py_TYPE(value)->tp_name) +
                 " changed while it was converted; send a copy");
}

constexpr std::string_view kArguments = "args";

ERL_NIF_TERM arguments_to_list(Gil gil, TermWriter& writer, ErlNifEnv* env, PyObject* const* args,
                               std::size_t count, const PathStep* at) {
    TermStack terms;
    terms.push(count);
    PathStep step{at};
    for (; step.index < count; ++step.index) {
        *terms.at(step.index) = writer.write(gil, args[step.index], &step);
    }
    return enif_make_list_from_array(env, terms.at(0), static_cast<unsigned>(count));
}

// The arguments that an item of erlang.starmap holds, as a tuple.
PyRef arguments_of(Gil gil, PyObject* item, const PathStep* at) {
    PyObject* arguments = PySequence_Tuple(item);
    if (arguments != nullptr) return PyRef::steal(arguments);
    const bool iterable = Py_TYPE(item)->tp_iter != nullptr || PySequence_Check(item) != 0;
    if (iterable) rethrow_with_place(gil, kArguments, at);
    raise_at(gil, PyExc_TypeError, kArguments, at,
             "an item of starmap must be an iterable of arguments, not " +
                 std::string(Py_TYPE(item)->tp_name) + "; for one argument each, use map");
}

}  // namespace

ERL_NIF_TERM python_to_term(Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                            PyObject* value, std::string_view root) {
    return TermWriter(conversion, env, root).write(gil, value, nullptr);
}

ERL_NIF_TERM python_args_to_list(Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                                 PyObject* const* args, std::size_t count) {
    TermWriter writer{conversion, env, kArguments};
    return arguments_to_list(gil, writer, env, args, count, nullptr);
}

ERL_NIF_TERM python_items_to_list(Gil gil, const ConversionState& conversion, ErlNifEnv* env,
                                  PyObject* const* items, std::size_t count, bool spread) {
    TermWriter writer{conversion, env, kArguments};
    TermStack terms;
    terms.push(count);
    PathStep step{nullptr};
    for (; step.index < count; ++step.index) {
        PyObject* const* item = items + step.index;
        const PyRef arguments = spread ? arguments_of(gil, *item, &step) : PyRef{};
        PyObject* const* first = spread ? PySequence_Fast_ITEMS(arguments.get()) : item;
        const Py_ssize_t size = spread ? PyTuple_GET_SIZE(arguments.get()) : 1;
        *terms.at(step.index) =
            arguments_to_list(gil, writer, env, first, static_cast<std::size_t>(size), &step);
    }
    return enif_make_list_from_array(env, terms.at(0), static_cast<unsigned>(count));
}

}  // namespace nif
