// SPDX-License-Identifier: Apache-2.0
// drop_queue.h: Python references that are dropped on a thread without the GIL.
// Threads: push()   any thread, no GIL, never blocks
//          drain()  with the GIL
// Owns:    each reference from push() until drain() drops it.
#pragma once

#include "loop_bridge/python/gil.h"

namespace loop_bridge {

class DropQueue {
public:
    // Hands over one reference. Calls the waker if the queue was empty.
    static void push(PyObject* object) noexcept;
    static void drain(Gil gil) noexcept;

    // `wake` is called, on any thread and without the GIL, when a reference waits to be dropped.
    static void set_waker(void (*wake)() noexcept) noexcept;
};

}  // namespace loop_bridge
