// SPDX-License-Identifier: Apache-2.0
#include "tests/cpp/python/support/interpreter.h"

#include "tests/cpp/python/support/start_python.h"

namespace loop_bridge {
namespace {

class Interpreter : public ::testing::Environment {
public:
    void SetUp() override { start_python(); }
    void TearDown() override { EXPECT_EQ(Py_FinalizeEx(), 0); }
};

const ::testing::Environment* const kInterpreter =
    ::testing::AddGlobalTestEnvironment(new Interpreter);

}  // namespace

void PythonTest::SetUp() {
    ASSERT_NE(kInterpreter, nullptr);
    variables_ = PyRef::steal(PyDict_New());
    exec("import asyncio, gc, os, weakref");
}

void PythonTest::TearDown() {
    EXPECT_EQ(PyErr_Occurred(), nullptr);
    PyErr_Clear();
    variables_.reset();
    PyGC_Collect();
}

PyRef PythonTest::run(const std::string& code, int start) const {
    return PyRef::steal(PyRun_String(code.c_str(), start, variables_.get(), variables_.get()));
}

PyRef PythonTest::eval(const std::string& expression) const {
    return run(expression, Py_eval_input);
}

void PythonTest::exec(const std::string& statements) const { run(statements, Py_file_input); }

bool PythonTest::holds(const std::string& condition) const {
    return PyObject_IsTrue(eval(condition).get()) == 1;
}

void PythonTest::set(const char* name, const PyRef& value) const {
    if (PyDict_SetItemString(variables_.get(), name, value.get()) != 0) throw PyError{};
}

std::string PythonTest::take_error_text() const {
    PyObject* error = take_error(gil_);
    if (error == nullptr) return "none";
    const PyRef owned = PyRef::steal(error);
    const PyRef text = PyRef::steal(PyObject_Str(error));
    return std::string{Py_TYPE(error)->tp_name} + ": " + PyUnicode_AsUTF8(text.get());
}

}  // namespace loop_bridge
