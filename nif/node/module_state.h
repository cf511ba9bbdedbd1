// SPDX-License-Identifier: Apache-2.0
// module_state.h: the state of the builtin module `_erlang`. No static variable holds a Python
// object.
// Threads: with the GIL.
#pragma once

#include <vector>

#include "loop_bridge/python/py_ref.h"
#include "nif/conversion/conversion_state.h"

namespace nif {

class LoopCaller;
struct ModuleState;

// The memory that CPython allocates for the module. The state itself lives as long as the node:
// Python is never finalised.
struct ModuleMemory {
    ModuleState* state;
};

struct ModuleState {
    ConversionState conversion;

    // Types of `_erlang` itself.
    loop_bridge::PyRef loop_channel_type;
    loop_bridge::PyRef request_type;

    // From the Python half of the package. bind_package() sets them when `erlang` is imported.
    loop_bridge::PyRef outside;  // erlang._outside.calls, for forks
    loop_bridge::PyRef make_error;
    loop_bridge::PyRef call_type;
    loop_bridge::PyRef interrupted;
    loop_bridge::PyRef blocking_call_warning;
    loop_bridge::PyRef get_running_loop;
    loop_bridge::PyRef run_request;
    loop_bridge::PyRef describe_exception;
    loop_bridge::PyRef begin_thread;
    loop_bridge::PyRef end_thread;
    loop_bridge::PyRef describe_stack;
    loop_bridge::PyRef make_attempt;
    loop_bridge::PyRef do_nothing;
    loop_bridge::PyRef start_coroutine;
    loop_bridge::PyRef partial;  // functools.partial
    loop_bridge::PyRef nesting;  // the context variable of erlang._nesting
    loop_bridge::PyRef begin_trace;
    loop_bridge::PyRef begin_profile;
    loop_bridge::PyRef threading_names;  // the names of the module `threading`

    // Interned names.
    loop_bridge::PyRef keyword_loop;    // ("loop",)
    loop_bridge::PyRef name_attribute;  // the loop's attribute that holds its channel
    loop_bridge::PyRef name_id;
    loop_bridge::PyRef name_channel;
    loop_bridge::PyRef name_greenlet;
    loop_bridge::PyRef name_trace_hook;
    loop_bridge::PyRef name_profile_hook;

    bool forked = false;  // this process is the child of a fork: no BEAM runs in it

    // All loops with a channel, to find closed ones. Borrowed, under the GIL.
    std::vector<LoopCaller*> loops;

    static ModuleState& of(PyObject* module) noexcept {
        return *static_cast<ModuleMemory*>(PyModule_GetState(module))->state;
    }
};

}  // namespace nif
