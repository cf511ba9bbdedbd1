// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/drop_queue.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/cpp/python/support/interpreter.h"

namespace loop_bridge {
namespace {

std::atomic<int> wakes{0};

class DropQueueTest : public PythonTest {
protected:
    void SetUp() override {
        PythonTest::SetUp();
        DropQueue::drain(gil_);
        wakes = 0;
        DropQueue::set_waker([]() noexcept { wakes.fetch_add(1); });
    }
    void TearDown() override {
        DropQueue::set_waker(nullptr);
        DropQueue::drain(gil_);
        PythonTest::TearDown();
    }
};

TEST_F(DropQueueTest, reference_dies_when_it_is_drained_not_before) {
    exec("class Thing: pass\nthing = Thing()\nknown = weakref.ref(thing)");
    PyObject* thing = eval("thing").release();
    exec("del thing");
    {
        const GilRelease released{gil_};
        std::thread{[thing] { DropQueue::push(thing); }}.join();
    }
    EXPECT_TRUE(holds("known() is not None"));
    DropQueue::drain(gil_);
    EXPECT_TRUE(holds("known() is None"));
}

TEST_F(DropQueueTest, only_the_push_into_an_empty_queue_wakes) {
    for (int i = 0; i < 3; ++i) DropQueue::push(eval("[]").release());
    EXPECT_EQ(wakes, 1);
    DropQueue::drain(gil_);
    EXPECT_EQ(wakes, 1);
    DropQueue::push(eval("[]").release());
    EXPECT_EQ(wakes, 2);
}

TEST_F(DropQueueTest, draining_an_empty_queue_does_nothing) {
    DropQueue::drain(gil_);
    DropQueue::drain(gil_);
    EXPECT_EQ(wakes, 0);
}

TEST_F(DropQueueTest, pushes_without_a_waker_are_kept) {
    DropQueue::set_waker(nullptr);
    const PyRef object = eval("[]");
    DropQueue::push(PyRef{object}.release());
    EXPECT_EQ(Py_REFCNT(object.get()), 2);
    DropQueue::drain(gil_);
    EXPECT_EQ(Py_REFCNT(object.get()), 1);
}

// The same happens when the last reference to a loop drops objects that hold others.
TEST_F(DropQueueTest, push_from_a_destructor_waits_for_the_next_drain_and_wakes) {
    const PyRef second = eval("[]");
    PyObject* first = PyCapsule_New(second.get(), nullptr, [](PyObject* capsule) {
        auto* held = static_cast<PyObject*>(PyCapsule_GetPointer(capsule, nullptr));
        DropQueue::push(PyRef::borrow(held).release());
    });
    ASSERT_NE(first, nullptr);
    DropQueue::push(first);
    EXPECT_EQ(wakes, 1);
    DropQueue::drain(gil_);
    EXPECT_EQ(wakes, 2);
    EXPECT_EQ(Py_REFCNT(second.get()), 2);
    DropQueue::drain(gil_);
    EXPECT_EQ(Py_REFCNT(second.get()), 1);
}

TEST_F(DropQueueTest, many_threads_push_while_one_drains_and_no_reference_is_lost) {
    constexpr int kThreads = 8;
    constexpr int kPushes = 5000;
    const PyRef object = eval("[]");
    const Py_ssize_t before = Py_REFCNT(object.get());
    for (int i = 0; i < kThreads * kPushes; ++i) Py_INCREF(object.get());
    std::atomic<int> pushing{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, target = object.get()] {
            for (int push = 0; push < kPushes; ++push) DropQueue::push(target);
            pushing.fetch_sub(1);
        });
    }
    // This thread holds the GIL all the time: pushes need no GIL.
    while (pushing.load() > 0) {
        DropQueue::drain(gil_);
        std::this_thread::yield();
    }
    for (auto& thread : threads) thread.join();
    DropQueue::drain(gil_);
    EXPECT_EQ(Py_REFCNT(object.get()), before);
    EXPECT_GE(wakes, 1);
}

}  // namespace
}  // namespace loop_bridge
