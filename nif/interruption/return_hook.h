// SPDX-License-Identifier: Apache-2.0
// return_hook.h: watches functions of another thread return, with CPython's profiling.
// Before CPython 3.12 it watches functions and lines begin, too; later WatchedCode does that.
// Threads: with the GIL. The callback runs on the watched thread.
#pragma once

#include "loop_bridge/python/gil.h"

namespace nif {

class ReturnHook {
public:
    enum class Event {
        kReturns,      // the frame's function is about to return a value
        kCReturned,    // a C function has returned a value to the frame
        kBegins,       // the frame's function begins
        kLine,         // the frame's next line is about to begin
        kInstruction,  // the same for an instruction, in a frame whose opcodes are traced
    };
    // False if the callback has set a Python error. CPython raises that error there.
    using Callback = bool (*)(loop_bridge::Gil gil, PyFrameObject* frame, Event event) noexcept;

    // Leaves a thread alone that is being profiled or traced. Code with watched lines runs several
    // times slower.
    static void set(loop_bridge::Gil gil, PyThreadState* state, Callback callback,
                    bool lines) noexcept;
    static void clear(loop_bridge::Gil gil, PyThreadState* state) noexcept;
    // Whether set() can watch everything in the thread.
    static bool sees_all(loop_bridge::Gil gil, const PyThreadState* state) noexcept;
};

}  // namespace nif
