// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/py_entry.h"

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

class PyEntryTest : public PythonTest {
protected:
    // The Python exception that `body` causes.
    template <class Body>
    std::string error_of(Body body) {
        EXPECT_EQ(python_entry([&](Gil gil) -> PyRef {
                      body(gil);
                      return PyRef::borrow(Py_None);
                  }),
                  nullptr);
        return take_error_text();
    }
};

TEST_F(PyEntryTest, a_value_is_returned_with_its_reference) {
    const PyRef list = eval("[1]");
    PyObject* returned = python_entry([&](Gil) { return list; });
    EXPECT_EQ(returned, list.get());
    EXPECT_EQ(Py_REFCNT(returned), 2);
    Py_DECREF(returned);
}

TEST_F(PyEntryTest, a_python_error_stays_as_it_is) {
    EXPECT_EQ(error_of([](Gil gil) { raise_python(gil, PyExc_KeyError, "x"); }), "KeyError: 'x'");
}

TEST_F(PyEntryTest, no_memory_is_a_memory_error) {
    EXPECT_EQ(error_of([](Gil) { throw std::bad_alloc{}; }), "MemoryError: ");
}

TEST_F(PyEntryTest, a_system_error_is_an_os_error_with_its_number) {
    const auto fail = [](Gil) {
        throw std::system_error(EMFILE, std::generic_category(), "eventfd");
    };
    EXPECT_EQ(error_of(fail), "OSError: [Errno 24] eventfd: Too many open files");
}

TEST_F(PyEntryTest, another_exception_is_a_runtime_error_with_its_text) {
    EXPECT_EQ(error_of([](Gil) { throw std::length_error{"too many"}; }), "RuntimeError: too many");
}

TEST_F(PyEntryTest, an_exception_without_a_text_is_a_runtime_error) {
    EXPECT_EQ(error_of([](Gil) { throw 1; }), "RuntimeError: an unknown C++ exception");
}

}  // namespace
}  // namespace loop_bridge
