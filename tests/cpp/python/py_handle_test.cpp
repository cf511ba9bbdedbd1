// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/py_handle.h"

#include <thread>
#include <type_traits>
#include <utility>

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

class PyHandleTest : public PythonTest {
protected:
    void SetUp() override {
        PythonTest::SetUp();
        exec("class Thing: pass\nthing = Thing()\nknown = weakref.ref(thing)");
    }
    void TearDown() override {
        DropQueue::drain(gil_);
        PythonTest::TearDown();
    }

    // The only reference to an object. `known` tells whether the object lives.
    PyHandle only_handle() {
        PyHandle handle{eval("thing")};
        exec("del thing");
        return handle;
    }
    bool alive() { return holds("known() is not None"); }
};

TEST_F(PyHandleTest, reference_of_a_handle_that_dies_without_the_gil_waits_for_a_drain) {
    PyHandle handle = only_handle();
    {
        const GilRelease released{gil_};
        std::thread{[dying = std::move(handle)] {}}.join();
    }
    EXPECT_TRUE(alive());
    DropQueue::drain(gil_);
    EXPECT_FALSE(alive());
}

TEST_F(PyHandleTest, reset_drops_at_once_and_leaves_it_empty) {
    PyHandle handle = only_handle();
    EXPECT_TRUE(static_cast<bool>(handle));
    handle.reset(gil_);
    EXPECT_FALSE(alive());
    EXPECT_FALSE(static_cast<bool>(handle));
    handle.reset(gil_);
}

TEST_F(PyHandleTest, get_gives_a_reference_of_its_own) {
    PyHandle handle = only_handle();
    const PyRef further = handle.get(gil_);
    handle.reset(gil_);
    EXPECT_TRUE(alive());
    EXPECT_FALSE(static_cast<bool>(handle.get(gil_)));
}

TEST_F(PyHandleTest, moved_reference_has_one_owner) {
    static_assert(!std::is_copy_constructible_v<PyHandle> && !std::is_copy_assignable_v<PyHandle>);
    PyHandle first = only_handle();
    PyHandle second{std::move(first)};
    PyHandle third;
    third = std::move(second);
    EXPECT_TRUE(alive());
    third.reset(gil_);
    EXPECT_FALSE(alive());
}

}  // namespace
}  // namespace loop_bridge
