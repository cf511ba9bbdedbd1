// SPDX-License-Identifier: Apache-2.0
// request_runner.h: runs py:call, py:eval and py:exec, and answers with the value or the exception.
// Threads: any Python thread, with the GIL.
#pragma once

#include "nif/node/module_state.h"
#include "nif/requests/request.h"

namespace nif {

// Runs the request in `body` to its end and answers it. An exception is an answer too.
void run_request(loop_bridge::Gil gil, PyObject* module, RequestHandle& handle,
                 const OwnedTerm& body) noexcept;

// Answers {ok, Value}, or an error if the value can't be converted.
void answer_value(loop_bridge::Gil gil, PyObject* module, RequestHandle& handle,
                  PyObject* value) noexcept;
// {error, {'ExceptionName', Text, Traceback}} for an exception instance.
void answer_exception(loop_bridge::Gil gil, PyObject* module, RequestHandle& handle,
                      PyObject* exception) noexcept;

// The same for the exception that is pending in this thread.
void answer_pending_exception(loop_bridge::Gil gil, PyObject* module,
                              RequestHandle& handle) noexcept;

}  // namespace nif
