// SPDX-License-Identifier: Apache-2.0
// request_thread.h: runs requests on the calling thread: on a context's thread, or on a thread that
// waits for Erlang.
// Threads: the owning thread, with the GIL. The destructor runs at the thread's end, without the
//          GIL or a thread state.
#pragma once

#include <memory>
#include <optional>

#include "nif/requests/request.h"
#include "nif/requests/running_requests.h"

namespace nif {

class RequestThread {
public:
    static RequestThread& current();
    RequestThread() = default;
    ~RequestThread();
    RequestThread(const RequestThread&) = delete;
    RequestThread& operator=(const RequestThread&) = delete;

    // This thread belongs to a context of that epoch of the application. It can call Erlang until
    // the application starts anew.
    void belong_to_epoch(unsigned epoch) noexcept { epoch_ = epoch; }
    // Whether the application has started anew since then.
    bool outlived_epoch() const noexcept;

    // Runs `request` here and now. Afterwards a Python error may be pending, raised by a signal
    // handler.
    void run(loop_bridge::Gil gil, PyObject* module, Request& request) noexcept;
    // The request that began last runs its code from the innermost Python frame.
    void enter(loop_bridge::Gil gil) noexcept { running_->enter(gil); }
    // When the innermost running request is interrupted, `cancel` is called instead of raising an
    // exception. False if no request runs here.
    bool on_interrupt(loop_bridge::Gil gil, PyObject* cancel) noexcept;

private:
    std::shared_ptr<RunningRequests> running_ = std::make_shared<RunningRequests>();
    std::optional<unsigned> epoch_;  // of a context's thread
};

}  // namespace nif
