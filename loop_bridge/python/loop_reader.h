// SPDX-License-Identifier: Apache-2.0
// loop_reader.h: a loop watches a channel's descriptor.
// Threads: everything with the GIL, on the loop's thread unless the loop is closed.
#pragma once

#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

// Knows its loop weakly: it lives in the loop's own attribute and must not keep it alive.
class LoopReader {
public:
    LoopReader(Gil gil, PyObject* loop);

    // loop.add_reader(fd, callback). Throws PyError, for loops without readers too.
    void watch(Gil gil, int fd, PyObject* callback);
    // loop.remove_reader(fd); quiet when the loop is closed or gone, which removes it as well.
    void unwatch(Gil gil, int fd) noexcept;
    // loop.call_soon(callback). Throws PyError.
    void call_soon(Gil gil, PyObject* callback);

    // True when the loop is closed or was collected.
    bool loop_ended(Gil gil) noexcept;
    // The loop, or a null reference.
    PyRef loop(Gil gil) const noexcept;

private:
    PyRef weak_loop_;
};

}  // namespace loop_bridge
