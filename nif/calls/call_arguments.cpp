// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/call_arguments.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;
using loop_bridge::raise_python;

namespace {

double read_timeout(Gil gil, PyObject* value) {
    const double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError) != 0) {
            raise_python(gil, PyExc_ValueError,
                         "timeout must be between -1.79e308 and 1.79e308 seconds, "
                         "or None for no limit");
        }
        PyErr_Format(PyExc_TypeError, "timeout must be a number of seconds or None, not %.200s",
                     Py_TYPE(value)->tp_name);
        throw PyError{};
    }
    if (std::isnan(seconds)) {
        raise_python(gil, PyExc_ValueError, "timeout must be a number of seconds, not nan");
    }
    return std::max(seconds, 0.0);
}

// A boolean of numpy is a value too. numpy 1 says "bool_". Python code can't give a class such a
// full name.
bool is_boolean(Gil, PyObject* value) {
    const std::string_view type = Py_TYPE(value)->tp_name;
    return PyBool_Check(value) != 0 || type == "numpy.bool" || type == "numpy.bool_";
}

bool read_wait(Gil gil, PyObject* value) {
    const int wait = is_boolean(gil, value) ? PyObject_IsTrue(value) : -1;
    if (wait < 0) {
        PyErr_Format(PyExc_TypeError, "wait must be True, False or None, not %.200s",
                     Py_TYPE(value)->tp_name);
        throw PyError{};
    }
    return wait == 1;
}

Binaries read_binaries(Gil gil, PyObject* value) {
    if (PyUnicode_Check(value) == 0) {
        PyErr_Format(PyExc_TypeError, "binaries must be 'text', 'bytes' or None, not %.200s",
                     Py_TYPE(value)->tp_name);
        throw PyError{};
    }
    if (PyUnicode_CompareWithASCIIString(value, "text") == 0) return Binaries::kText;
    if (PyUnicode_CompareWithASCIIString(value, "bytes") == 0) return Binaries::kBytes;
    raise_python(gil, PyExc_ValueError, "binaries must be 'text', 'bytes' or None");
}

std::uint64_t read_concurrency(Gil gil, PyObject* value) {
    if (PyIndex_Check(value) == 0 || is_boolean(gil, value)) {
        PyErr_Format(PyExc_TypeError, "concurrency must be a number of items or None, not %.200s",
                     Py_TYPE(value)->tp_name);
        throw PyError{};
    }
    const Py_ssize_t items = PyNumber_AsSsize_t(value, nullptr);  // a huge number becomes the limit
    if (items == -1 && PyErr_Occurred() != nullptr) throw PyError{};
    if (items < 1) {
        raise_python(gil, PyExc_ValueError,
                     "concurrency must be at least 1, or None to run all items at once");
    }
    return static_cast<std::uint64_t>(items);
}

bool is_called(PyObject* keyword, const char* name) {
    return PyUnicode_CompareWithASCIIString(keyword, name) == 0;
}

// False for an unknown keyword.
bool read_option(Gil gil, PyObject* keyword, PyObject* value, CallArguments& read) {
    const bool given = value != Py_None;
    if (is_called(keyword, "timeout")) {
        if (given) read.timeout = read_timeout(gil, value);
    } else if (is_called(keyword, "wait")) {
        if (given) read.wait = read_wait(gil, value);
    } else if (is_called(keyword, "binaries")) {
        if (given) read.binaries = read_binaries(gil, value);
    } else if (read.map && is_called(keyword, "concurrency")) {
        if (given) read.map->concurrency = read_concurrency(gil, value);
    } else {
        return false;
    }
    return true;
}

void read_options(Gil gil, const char* function, PyObject* const* values, PyObject* keywords,
                  CallArguments& read) {
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
        if (read_option(gil, keyword, values[i], read)) continue;
        PyErr_Format(PyExc_TypeError,
                     "%s() got an unexpected keyword argument '%U'; "
                     "Erlang functions take positional arguments",
                     function, keyword);
        throw PyError{};
    }
}

void check_name(Gil, const char* function, PyObject* const* args, Py_ssize_t count) {
    if (count < 1) {
        PyErr_Format(PyExc_TypeError, "%s() needs the name of a registered Erlang function",
                     function);
        throw PyError{};
    }
    if (PyUnicode_Check(args[0]) == 0) {
        PyErr_Format(PyExc_TypeError, "%s(): the function's name must be str, not %.200s", function,
                     Py_TYPE(args[0])->tp_name);
        throw PyError{};
    }
}

}  // namespace

CallArguments read_call_arguments(Gil gil, const char* function, PyObject* const* args,
                                  Py_ssize_t count, PyObject* keywords) {
    check_name(gil, function, args, count);
    CallArguments read;
    read.name = args[0];
    read.args = args + 1;
    read.count = static_cast<std::size_t>(count - 1);
    read_options(gil, function, args + count, keywords, read);
    return read;
}

MapArguments read_map_arguments(Gil gil, bool starmap, PyObject* const* args, Py_ssize_t count,
                                PyObject* keywords) {
    const char* function = starmap ? "starmap" : "map";
    check_name(gil, function, args, count);
    if (count != 2) {
        PyErr_Format(PyExc_TypeError,
                     "%s() takes the name of a function and one iterable of items, "
                     "not %zd positional arguments",
                     function, count);
        throw PyError{};
    }
    MapArguments read;
    read.call.name = args[0];
    read.call.map = MapOptions{starmap, std::nullopt};
    read_options(gil, function, args + count, keywords, read.call);
    read.items = PyRef::steal(PySequence_Tuple(args[1]));
    read.call.args = PySequence_Fast_ITEMS(read.items.get());
    read.call.count = static_cast<std::size_t>(PyTuple_GET_SIZE(read.items.get()));
    return read;
}

}  // namespace nif
