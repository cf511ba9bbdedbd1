// SPDX-License-Identifier: Apache-2.0
// The events of a watched thread: they raise a wanted exception where the thread's code can bear
// it.
#include "loop_bridge/python/py_entry.h"
#include "nif/interruption/interruptions.h"
#include "nif/interruption/return_hook.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// The pause between two looks at events of watched code. Without it a loop would run slowly.
constexpr std::chrono::microseconds kBetweenEvents{1000};

// The methods of an attempt, in the order of Look.
constexpr std::array kNames{"look_at_return",      "look_after_call", "look_at_begin",
                            "look_at_instruction", "look_at_jump",    "look_at_line"};

}  // namespace

// A function of this thread returns to its caller or begins, or a line begins.
bool Interruptions::on_return(Gil gil, PyFrameObject* frame, ReturnHook::Event event) noexcept {
    switch (event) {
        case ReturnHook::Event::kReturns:
            return instance().passing(gil, frame, Look::kReturn, instance().find_meant(gil));
        case ReturnHook::Event::kCReturned:
            return instance().passing(gil, frame, Look::kAfterCall, instance().find_meant(gil));
        case ReturnHook::Event::kBegins:
            return instance().at_watched(gil, frame, Look::kBegin);
        case ReturnHook::Event::kInstruction:
            return instance().at_watched(gil, frame, Look::kInstruction);
        case ReturnHook::Event::kLine:
            break;
    }
    return instance().at_watched(gil, frame, Look::kLine);
}

// Cheap for other code: otherwise few looks would be at code that counts.
bool Interruptions::at_watched(Gil gil, PyFrameObject* frame, Look look) noexcept {
    const auto own = find_meant(gil);
    if (own != wanted_.end()) {
        auto* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
        const bool watched = WatchedCode::contains(own->codes, code);
        Py_DECREF(code);
        if (!watched) return true;
    }
    return at_event(gil, frame, look, own);
}

// Watched code begins, jumps or goes on after a call, in any thread.
bool Interruptions::on_event(Gil gil, WatchedCode::Event event) noexcept {
    Look look = Look::kInstruction;
    if (event == WatchedCode::Event::kBegins) look = Look::kBegin;
    if (event == WatchedCode::Event::kJumpsBack) look = Look::kJump;
    return instance().at_event(gil, PyEval_GetFrame(), look, instance().find_meant(gil));
}

// Like passing(), but with a pause between events of the same kind.
bool Interruptions::at_event(Gil gil, PyFrameObject* frame, Look look, Found own) noexcept {
    if (own == wanted_.end()) return passing(gil, frame, look, own);
    const auto kind = static_cast<std::size_t>(look);
    if (own->next_event[kind] > Clock::now()) return true;
    const void* owner = own->owner;
    if (!passing(gil, frame, look, own)) return false;
    const auto still = find(this_thread(gil), owner);
    if (still != wanted_.end()) still->next_event[kind] = Clock::now() + kBetweenEvents;
    return true;
}

// `own' is what find_meant() has just found. False if the exception is set.
bool Interruptions::passing(Gil gil, PyFrameObject* frame, Look look, Found own) noexcept {
    const ThreadNumber here = this_thread(gil);
    if (find_any(here) == wanted_.end()) {
        ReturnHook::clear(gil, PyThreadState_Get());
        return true;
    }
    // CPython raises an offered exception by itself.
    if (own == wanted_.end() || find_offered(gil) != wanted_.end()) return true;
    if (!own->attempt) return true;  // not looked at yet
    const void* owner = own->owner;
    static_assert(kNames.size() == kLooks);
    const char* name = kNames[static_cast<std::size_t>(look)];
    try {
        const PyRef attempt = own->attempt;
        const PyRef bears = PyRef::steal(
            PyObject_CallMethod(attempt.get(), name, "O", reinterpret_cast<PyObject*>(frame)));
        const auto still = find(here, owner);
        if (bears.get() != Py_True || still == wanted_.end() || still->offered) return true;
        raised(gil, still);
        ReturnHook::clear(gil, PyThreadState_Get());
        PyErr_SetNone(interrupted_);
        return false;
    } catch (...) {
        loop_bridge::set_handled_exception(gil);
        PyErr_WriteUnraisable(nullptr);
        return true;
    }
}

}  // namespace nif
