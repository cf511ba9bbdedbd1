// SPDX-License-Identifier: Apache-2.0
// thread_hooks.h: the functions that observe a thread's code, for tracing and for profiling.
// Threads: the thread it belongs to, with the GIL. It may be destroyed without.
//
// threading.settrace() and threading.setprofile() set functions for threads that `threading`
// starts; coverage and debuggers use them. A request runs in a thread that `threading` has not
// started, so each request applies them. What a request leaves set itself ends with the request.
#pragma once

#include "loop_bridge/python/py_handle.h"
#include "nif/module_state.h"

namespace nif {

class ThreadHooks {
public:
    // Applies a hook that has changed, and one for which this thread has no function yet. The
    // functions that are set then are those that restore() puts back, if asked to keep them in
    // mind.
    void apply(loop_bridge::Gil gil, const ModuleState& state, bool keep_in_mind) noexcept;
    // Takes back what the thread's code has set, unless a hook has changed meanwhile: a debugger
    // that was attached, or has gone, has set it.
    void restore(loop_bridge::Gil gil, const ModuleState& state) noexcept;
    // Takes away what hooks have set here: for a thread that did without before its request.
    void withdraw(loop_bridge::Gil gil) noexcept;

private:
    struct Observer {
        loop_bridge::PyHandle hook;    // as it was when it was looked at last
        loop_bridge::PyHandle object;  // what restore() puts back; null for none
        Py_tracefunc function = nullptr;
        bool by_hook = false;  // `object` is what the hook has set here
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
