// SPDX-License-Identifier: Apache-2.0
// thread_hooks.h: the functions that trace and profile a thread's code.
// Threads: the owning thread, with the GIL. It may be destroyed without the GIL.
//
// threading.settrace() and threading.setprofile() set functions for threads that `threading`
// starts; coverage and debuggers use them. `threading` has not started the thread of a request, so
// each request applies them. A function that the request sets itself is removed at the request's
// end.
#pragma once

#include "loop_bridge/python/py_handle.h"
#include "nif/node/module_state.h"

namespace nif {

class ThreadHooks {
public:
    // Applies a hook that is new or has changed, if this thread has no function yet.
    // `keep_in_mind`: restore() will put back the functions that are set now.
    void apply(loop_bridge::Gil gil, const ModuleState& state, bool keep_in_mind) noexcept;
    // Undoes what the thread's code has set. If a hook has changed meanwhile, nothing is undone: a
    // debugger was attached or detached.
    void restore(loop_bridge::Gil gil, const ModuleState& state) noexcept;
    // Removes the functions that hooks have set here, for a thread that had none before its
    // request.
    void withdraw(loop_bridge::Gil gil) noexcept;

private:
    struct Observer {
        loop_bridge::PyHandle hook;    // its value at the last look
        loop_bridge::PyHandle object;  // the object that restore() puts back; null for none
        Py_tracefunc function = nullptr;
        bool by_hook = false;  // the hook has set `object` here
    };
    template <class Kind>
    static void apply_one(loop_bridge::Gil gil, const ModuleState& state, Observer& observer,
                          bool keep_in_mind);
    template <class Kind>
    static void restore_one(loop_bridge::Gil gil, const ModuleState& state,
                            Observer& observer) noexcept;
    template <class Kind>
    static bool is_kept(loop_bridge::Gil gil, const Observer& observer) noexcept;
    template <class Kind>
    static void withdraw_one(loop_bridge::Gil gil, Observer& observer) noexcept;

    Observer trace_;
    Observer profile_;
};

}  // namespace nif
