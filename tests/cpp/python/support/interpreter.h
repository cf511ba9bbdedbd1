// SPDX-License-Identifier: Apache-2.0
// interpreter.h: a real interpreter for the tests of one executable.
// It runs from before the first test until after the last test. The main thread holds the GIL.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

// Each test has variables of its own.
class PythonTest : public ::testing::Test {
protected:
    void SetUp() override;
    // A pending exception would surface in the code that runs next. So TearDown() fails on one.
    void TearDown() override;

    // eval() and exec() throw PyError.
    PyRef eval(const std::string& expression) const;
    void exec(const std::string& statements) const;
    bool holds(const std::string& condition) const;
    void set(const char* name, const PyRef& value) const;
    // Takes the pending exception; returns its text as "Type: message".
    std::string take_error_text() const;

    const Gil gil_ = Gil::held_by_caller();

private:
    PyRef run(const std::string& code, int start) const;
    PyRef variables_;
};

}  // namespace loop_bridge
