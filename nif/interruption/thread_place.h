// SPDX-License-Identifier: Apache-2.0
// thread_place.h: the place of a thread's Python code.
// Threads: any, with the GIL. No Python code runs here, so callers may walk lists meanwhile.
#pragma once

#include "loop_bridge/python/py_ref.h"

namespace nif {

// Null while no Python code runs.
loop_bridge::PyRef innermost_frame(loop_bridge::Gil gil, PyThreadState* state) noexcept;

// A list of all frames of the thread, the innermost one first. The frames are made without a
// collection of garbage. Python code that walks from frame to frame can't prevent a collection.
// That collection may let the other thread run on, in the middle of making a frame's object.
// Throws PyError.
loop_bridge::PyRef frames_of(loop_bridge::Gil gil, PyThreadState* state);

// Whether a pending exception of any thread stops traced functions of all threads from starting.
bool stalls_traced_code(loop_bridge::Gil gil) noexcept;

// Whether the frame `base' is `frame' or a caller of it, at any distance. Always true for a null
// `base'.
bool runs_above(loop_bridge::Gil gil, PyObject* frame, const PyObject* base) noexcept;
// The same for a thread's innermost frame.
bool runs_above(loop_bridge::Gil gil, PyThreadState* state, const PyObject* base) noexcept;

// The innermost frame and its current instruction.
struct ThreadPlace {
    loop_bridge::PyRef frame;  // none while no Python code runs
    int instruction = -1;

    ThreadPlace(loop_bridge::Gil gil, PyThreadState* state);
    bool is(const PyObject* other, int other_instruction) const noexcept {
        return frame.get() == other && instruction == other_instruction;
    }
    bool operator==(const ThreadPlace& other) const noexcept {
        return is(other.frame.get(), other.instruction);
    }
};

}  // namespace nif
