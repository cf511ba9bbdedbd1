// SPDX-License-Identifier: Apache-2.0
// request_object.h: a request whose answer comes later, as a Python object: coroutines that Erlang
// processes run on a hosted loop.
// Threads: with the GIL.
#pragma once

#include "nif/module_state.h"
#include "nif/request.h"

namespace nif {

// The type Request of `_erlang`: answer(value), fail(exception), begin(cancel). An object that dies
// unanswered answers `{error, disconnected}`.
loop_bridge::PyRef make_request_type(loop_bridge::Gil gil, PyObject* module);

// Hands the request to erlang._loop_host.start_coroutine(request, body, mark), on the loop's
// thread, in a context for the coroutine. `mark` is a list to empty when the coroutine has ended,
// or None.
void start_coroutine(loop_bridge::Gil gil, PyObject* module, Request& request) noexcept;

}  // namespace nif
