// SPDX-License-Identifier: Apache-2.0
// py_entry.h: the entry from CPython to C++. The one place that turns C++ exceptions into Python
// errors.
// Threads: with the GIL.
#pragma once

#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "loop_bridge/python/py_error.h"
#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

// Sets an OSError with its number, as the standard library does.
inline void set_os_error(Gil, int number, const char* text) noexcept {
    PyObject* arguments = Py_BuildValue("is", number, text);
    if (arguments == nullptr) return;
    PyErr_SetObject(PyExc_OSError, arguments);
    Py_DECREF(arguments);
}

// Runs `body(gil)`, which returns a PyRef. Returns the owned object to CPython, or null with an
// error set.
template <class Body>
PyObject* python_entry(Body&& body) noexcept {
    try {
        return std::forward<Body>(body)(Gil::held_by_caller()).release();
    } catch (const PyError&) {
        return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    } catch (const std::system_error& error) {
        set_os_error(Gil::held_by_caller(), error.code().value(), error.what());
        return nullptr;
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
}

}  // namespace loop_bridge
