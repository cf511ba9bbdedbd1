// SPDX-License-Identifier: Apache-2.0
// loop_reader.h: makes a loop watch a channel's descriptor.
// Threads: with the GIL, on the loop's thread unless the loop is closed.
#pragma once

#include <optional>

#include "loop_bridge/python/py_ref.h"

namespace loop_bridge {

// The reference to the loop is weak: an attribute of the loop owns this object, which must not keep
// the loop alive.
class LoopReader {
public:
    LoopReader(Gil gil, PyObject* loop);

    // loop.add_reader(fd, callback). Throws PyError, also for loops without readers.
    void watch(Gil gil, int fd, PyObject* callback);
    // loop.remove_reader(fd). Does nothing if the loop is closed or gone: that has removed the
    // reader.
    void unwatch(Gil gil, int fd) noexcept;
    // loop.call_soon(callback). Throws PyError.
    void call_soon(Gil gil, PyObject* callback);

    // How many callbacks are ready to run. Nothing for loops that do not tell, as uvloop.
    std::optional<std::size_t> ready_callbacks(Gil gil) const noexcept;
    // True when the loop is closed or was collected.
    bool loop_ended(Gil gil) noexcept;
    // The loop, or a null reference.
    PyRef loop(Gil gil) const noexcept;

private:
    PyRef weak_loop_;
};

}  // namespace loop_bridge
