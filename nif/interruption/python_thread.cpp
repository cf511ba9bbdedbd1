// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/python_thread.h"

#include "nif/interruption/thread_clock.h"

namespace nif {

using loop_bridge::Gil;

namespace {

ThreadNumber number_of(PyThreadState* state) noexcept { return PyThreadState_GetID(state); }

}  // namespace

ThreadNumber this_thread(Gil) noexcept { return number_of(PyThreadState_Get()); }

PythonThread PythonThread::current(Gil gil) noexcept {
    return {this_thread(gil), clock_of_this_thread()};
}

PyThreadState* state_of_thread(Gil, ThreadNumber thread) noexcept {
    PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    while (state != nullptr && number_of(state) != thread) state = PyThreadState_Next(state);
    return state;
}

PyThreadState* state_of_ident(Gil, unsigned long ident) noexcept {
    PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    while (state != nullptr && state->thread_id != ident) state = PyThreadState_Next(state);
    return state;
}

}  // namespace nif
