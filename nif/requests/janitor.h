// SPDX-License-Identifier: Apache-2.0
// janitor.h: the one thread that does, under the GIL, the work that scheduler threads hand over: it
// drops Python references and interrupts Python code whose request was abandoned.
// Threads: start() once, when Python runs; the others any thread, no GIL, never blocks.
#pragma once

#include <functional>
#include <memory>

#include "loop_bridge/channel.h"
#include "nif/beam/resource.h"
#include "nif/requests/request.h"
#include "nif/requests/running_requests.h"

namespace nif {

class Janitor {
public:
    static Janitor& instance();

    // `report_stuck` is erlang._context.report_stuck. It lives as long as the process.
    void start(PyObject* report_stuck);
    void interrupt(const ResourcePtr<RequestHandle>& request) noexcept;
    // Interrupts the request once more. `reports`: also reports the stack of its code.
    void insist(const ResourcePtr<RequestHandle>& request, bool reports) noexcept;
    // Answers the requests of a thread that has ended.
    void abandon(const std::shared_ptr<RunningRequests>& requests) noexcept;
    void wake() noexcept { channel_.wake(); }

private:
    Janitor();
    void run();
    void push(std::function<void(loop_bridge::Gil)> work, bool slow = false) noexcept;
    void report(loop_bridge::Gil gil, const RequestHandle& request) noexcept;

    loop_bridge::Channel channel_;
    PyObject* report_stuck_ = nullptr;
};

}  // namespace nif
