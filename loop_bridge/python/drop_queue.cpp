// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/python/drop_queue.h"

#include <atomic>
#include <new>

namespace loop_bridge {

namespace {

struct Drop {
    PyObject* object;
    Drop* next;
};

// Trivially destructible on purpose: threads may push while the process ends.
std::atomic<Drop*> head{nullptr};
std::atomic<void (*)() noexcept> waker{nullptr};

}  // namespace

void DropQueue::push(PyObject* object) noexcept {
    Drop* drop = new (std::nothrow) Drop{object, nullptr};
    if (drop == nullptr) return;  // out of memory: the object leaks, the node lives
    drop->next = head.load(std::memory_order_relaxed);
    while (!head.compare_exchange_weak(drop->next, drop, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
    if (drop->next != nullptr) return;  // the first push has called the waker
    if (auto wake = waker.load(std::memory_order_acquire)) wake();
}

void DropQueue::drain(Gil) noexcept {
    Drop* drop = head.exchange(nullptr, std::memory_order_acquire);
    while (drop != nullptr) {
        Py_DECREF(drop->object);
        Drop* next = drop->next;
        delete drop;
        drop = next;
    }
}

void DropQueue::set_waker(void (*wake)() noexcept) noexcept {
    waker.store(wake, std::memory_order_release);
}

}  // namespace loop_bridge
