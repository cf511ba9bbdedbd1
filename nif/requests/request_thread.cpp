// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/request_thread.h"

#include "loop_bridge/python/py_entry.h"
#include "nif/node/bridge.h"
#include "nif/requests/janitor.h"
#include "nif/requests/request_runner.h"

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

RequestThread& RequestThread::current() {
    // A thread_local destructor is the only hook at a thread's end that works for every kind of
    // thread.
    static thread_local RequestThread thread;
    return thread;
}

RequestThread::~RequestThread() {
    if (!running_->leave()) return;
    Janitor::instance().push([requests = running_](Gil gil) { requests->abandon(gil); });
}

bool RequestThread::outlived_epoch() const noexcept {
    return epoch_ && *epoch_ != Bridge::instance().application_epoch;
}

void RequestThread::run(Gil gil, PyObject* module, Request& request) noexcept {
    const ResourcePtr<RequestHandle> handle = request.take_handle();
    if (handle->unwanted()) return;
    try {
        const auto& level = running_->begin(gil, handle, epoch_.has_value());
        handle->begin(gil, running_);
        run_request(gil, module, *handle, request.body());
        handle->end(gil);
        running_->end(gil, level);
    } catch (...) {
        // The request has not begun.
        loop_bridge::set_handled_exception(gil);
        answer_pending_exception(gil, module, *handle);
    }
}

bool RequestThread::on_interrupt(Gil gil, PyObject* cancel) noexcept {
    const auto innermost = running_->innermost(gil);
    if (!innermost) return false;
    innermost->begin(gil, PyRef::borrow(cancel));
    // The request was abandoned before this: the janitor has found nothing to interrupt.
    if (innermost->unwanted()) innermost->interrupt(gil, false);
    return true;
}

}  // namespace nif
