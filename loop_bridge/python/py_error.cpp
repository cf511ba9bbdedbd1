// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/py_error.h"

namespace loop_bridge {

void raise_python(Gil, PyObject* type, const char* message) {
    PyErr_SetString(type, message);
    throw PyError{};
}

void set_error(Gil, PyObject* exception) noexcept {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
}

void raise_object(Gil gil, PyObject* exception) {
    set_error(gil, exception);
    throw PyError{};
}

PyObject* take_error(Gil) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject* type = nullptr;
    PyObject* value = nullptr;
    PyObject* traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == nullptr) return nullptr;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != nullptr) PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

}  // namespace loop_bridge
