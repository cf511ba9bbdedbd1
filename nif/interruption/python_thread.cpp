// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/python_thread.h"

#include <thread>

#include "nif/interruption/thread_clock.h"

namespace nif {

using loop_bridge::Gil;

namespace {

ThreadNumber number_of(PyThreadState* state) noexcept { return PyThreadState_GetID(state); }

// A thread state is made without the GIL. Before 3.12, CPython puts it in front of the list a
// moment before it links it to the others. A walk that has met the calling thread's own state has
// met all.
template <class Meant>
PyThreadState* find_state(Gil, const Meant& meant) noexcept {
    const PyThreadState* own = PyThreadState_Get();
    for (;;) {
        bool complete = false;
        PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
        for (; state != nullptr; state = PyThreadState_Next(state)) {
            if (meant(state)) return state;
            complete = complete || state == own;
        }
        if (complete) return nullptr;
        std::this_thread::yield();
    }
}

}  // namespace

ThreadNumber this_thread(Gil) noexcept { return number_of(PyThreadState_Get()); }

PythonThread PythonThread::current(Gil gil) noexcept {
    return {this_thread(gil), clock_of_this_thread()};
}

PyThreadState* state_of_thread(Gil gil, ThreadNumber thread) noexcept {
    return find_state(gil, [=](PyThreadState* state) { return number_of(state) == thread; });
}

PyThreadState* state_of_ident(Gil gil, unsigned long ident) noexcept {
    return find_state(gil, [=](PyThreadState* state) { return state->thread_id == ident; });
}

bool any_thread_is_traced(Gil gil) noexcept {
    return find_state(gil, [](PyThreadState* state) {
               return state->c_tracefunc != nullptr || state->c_profilefunc != nullptr;
           }) != nullptr;
}

}  // namespace nif
