// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/py_entry.h"

#include <new>
#include <system_error>

namespace loop_bridge {

namespace {

void set_os_error(Gil, int number, const char* text) noexcept {
    PyObject* arguments = Py_BuildValue("is", number, text);
    if (arguments == nullptr) return;
    PyErr_SetObject(PyExc_OSError, arguments);
    Py_DECREF(arguments);
}

}  // namespace

void set_handled_exception(Gil gil) noexcept {
    try {
        throw;
    } catch (const PyError&) {
        return;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::system_error& error) {
        set_os_error(gil, error.code().value(), error.what());
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "an unknown C++ exception");
    }
}

}  // namespace loop_bridge
