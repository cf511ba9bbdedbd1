// SPDX-License-Identifier: Apache-2.0
// janitor.h: the one thread that does under the GIL what scheduler threads must hand over:
// giving up Python references and interrupting Python code that nobody waits for any longer.
// Threads: interrupt(), insist(), wake() any thread, no GIL, never blocks. start() once, when
// Python runs.
#pragma once

#include "loop_bridge/channel.h"
#include "nif/request.h"
#include "nif/resource.h"

namespace nif {

class Janitor {
public:
    static Janitor& instance();

    // erlang.Interrupted and erlang._context.report_stuck, which live as long as the process.
    void start(PyObject* exception_type, PyObject* report_stuck);
    void interrupt(ResourcePtr<RequestHandle> request) noexcept;
    // Once more, and reports where the code is.
    void insist(ResourcePtr<RequestHandle> request) noexcept;
    void wake() noexcept { channel_.wake(); }

private:
    Janitor();
    void run();
    void work(loop_bridge::Gil gil, loop_bridge::EntryList jobs);
    void report(loop_bridge::Gil gil, const RequestHandle& request) noexcept;

    loop_bridge::Channel channel_;
    PyObject* exception_type_ = nullptr;
    PyObject* report_stuck_ = nullptr;
};

}  // namespace nif
