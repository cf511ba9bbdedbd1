// SPDX-License-Identifier: Apache-2.0
// request_object.h: a request as a Python object, for answers that come later: coroutines that
// Erlang processes run on a hosted loop.
// Threads: with the GIL.
#pragma once

#include "nif/node/module_state.h"
#include "nif/requests/request.h"

namespace nif {

// The type Request of `_erlang`: answer(value), fail(exception), begin(cancel). If the object dies
// without an answer, it answers `{error, disconnected}`.
loop_bridge::PyRef make_request_type(loop_bridge::Gil gil, PyObject* module);

// Passes the request to erlang._loop_host.start_coroutine(request, body, mark), on the loop's
// thread, in a context for the coroutine. `mark` is None, or a list to empty at the coroutine's
// end.
void start_coroutine(loop_bridge::Gil gil, PyObject* module, Request& request) noexcept;

}  // namespace nif
