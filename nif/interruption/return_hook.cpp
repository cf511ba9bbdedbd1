// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/return_hook.h"

#include <dlfcn.h>

namespace nif {

using loop_bridge::Gil;

namespace {

ReturnHook::Callback callback_of_all = nullptr;

int tell(PyFrameObject* frame, ReturnHook::Event event) {
    return callback_of_all(Gil::held_by_caller(), frame, event) ? 0 : -1;
}

int on_profile(PyObject*, PyFrameObject* frame, int event, PyObject* value) {
    if (event == PyTrace_CALL && PY_VERSION_HEX < 0x030c0000) {
        return tell(frame, ReturnHook::Event::kBegins);
    }
    if (event == PyTrace_C_RETURN) return tell(frame, ReturnHook::Event::kCReturned);
    // A return without a value means that an exception is on its way.
    if (event == PyTrace_RETURN && value != nullptr) {
        return tell(frame, ReturnHook::Event::kReturns);
    }
    return 0;
}

int on_trace(PyObject*, PyFrameObject* frame, int event, PyObject*) {
    if (event == PyTrace_OPCODE) return tell(frame, ReturnHook::Event::kInstruction);
    return event == PyTrace_LINE ? tell(frame, ReturnHook::Event::kLine) : 0;
}

// PyEval_SetProfile() and PyEval_SetTrace() only affect the calling thread. These functions take
// any thread; CPython exports them for its own extension modules.
using SetHook = int (*)(PyThreadState*, Py_tracefunc, PyObject*);

SetHook find(const char* name) noexcept {
    return reinterpret_cast<SetHook>(dlsym(RTLD_DEFAULT, name));
}

void set_hook(Gil, SetHook set, PyThreadState* state, Py_tracefunc function) noexcept {
    // An audit hook may refuse the call.
    if (set != nullptr && set(state, function, nullptr) != 0) PyErr_Clear();
}

void set_profile(Gil gil, PyThreadState* state, Py_tracefunc function) noexcept {
    static const SetHook set = find("_PyEval_SetProfile");
    set_hook(gil, set, state, function);
}

void set_trace([[maybe_unused]] Gil gil, [[maybe_unused]] PyThreadState* state,
               [[maybe_unused]] Py_tracefunc function) noexcept {
#if PY_VERSION_HEX < 0x030c0000
    static const SetHook set = find("_PyEval_SetTrace");
    set_hook(gil, set, state, function);
#endif
}

}  // namespace

void ReturnHook::set(Gil gil, PyThreadState* state, Callback callback, bool lines) noexcept {
    callback_of_all = callback;
    if (state->c_profilefunc == nullptr) set_profile(gil, state, on_profile);
    if (lines && state->c_tracefunc == nullptr) set_trace(gil, state, on_trace);
    if (!lines && state->c_tracefunc == on_trace) set_trace(gil, state, nullptr);
}

void ReturnHook::clear(Gil gil, PyThreadState* state) noexcept {
    if (state->c_profilefunc == on_profile) set_profile(gil, state, nullptr);
    if (state->c_tracefunc == on_trace) set_trace(gil, state, nullptr);
}

bool ReturnHook::sees_all(Gil, const PyThreadState* state) noexcept {
    const bool profiled = state->c_profilefunc != nullptr && state->c_profilefunc != on_profile;
    const bool traced = state->c_tracefunc != nullptr && state->c_tracefunc != on_trace;
    return !profiled && !traced;
}

}  // namespace nif
