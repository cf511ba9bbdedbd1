// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/call_arguments.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyError;
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

}  // namespace

CallArguments read_call_arguments(Gil gil, const char* function, PyObject* const* args,
                                  Py_ssize_t count, PyObject* keywords) {
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
    CallArguments read;
    read.name = args[0];
    read.args = args + 1;
    read.count = static_cast<std::size_t>(count - 1);
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
        PyObject* value = args[count + i];
        if (PyUnicode_CompareWithASCIIString(keyword, "timeout") == 0) {
            if (value != Py_None) read.timeout = read_timeout(gil, value);
        } else if (PyUnicode_CompareWithASCIIString(keyword, "wait") == 0) {
            if (value != Py_None) read.wait = read_wait(gil, value);
        } else if (PyUnicode_CompareWithASCIIString(keyword, "binaries") == 0) {
            if (value != Py_None) read.binaries = read_binaries(gil, value);
        } else {
            PyErr_Format(PyExc_TypeError,
                         "%s() got an unexpected keyword argument '%U'; "
                         "Erlang functions take positional arguments",
                         function, keyword);
            throw PyError{};
        }
    }
    return read;
}

}  // namespace nif
