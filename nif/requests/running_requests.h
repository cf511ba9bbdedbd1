// SPDX-License-Identifier: Apache-2.0
// running_requests.h: the requests that run on one thread, nested in each other.
// Threads: with the GIL; interrupt() and abandon() the janitor, the others the owning thread.
//          leave() runs at the thread's end, without the GIL.
// Life:    may outlive its thread, if requests never ended there: those of suspended greenlets.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "loop_bridge/python/gil.h"
#include "nif/interruption/python_thread.h"
#include "nif/requests/request.h"

namespace nif {

class RunningRequests final : public Runner {
public:
    struct Level {
        ResourcePtr<RequestHandle> request;
        PythonThread thread{};
        // The first request of a context's thread: all code of the thread belongs to it.
        bool has_thread = false;
        // The frame below all code of the request. Null if all code of the thread belongs to the
        // request, and if no Python code has called it.
        loop_bridge::PyRef base{};
        int interruptions = 0;
        bool owed = false;  // an exception is due when the inner request has ended
    };

    // From here on the request can be interrupted. It is nested in the code that runs here.
    const Level& begin(loop_bridge::Gil gil, ResourcePtr<RequestHandle> request, bool of_context);
    // The code of the request that began last runs from the current frame.
    void enter(loop_bridge::Gil gil) noexcept;
    // Requests of different greenlets end in any order. Afterwards a Python error may be pending,
    // see Interruptions::settle().
    void end(loop_bridge::Gil gil, const Level& level) noexcept;
    // The request that began last, or null.
    ResourcePtr<RequestHandle> innermost(loop_bridge::Gil gil) const noexcept;

    // Wants an exception in the code of the request and of all requests nested in it. Requests of
    // other greenlets are not nested in it. Each request gets at most `times` exceptions, whatever
    // their reasons, so that it can clean up.
    void interrupt(loop_bridge::Gil gil, const RequestHandle& request, int times,
                   bool insisting) noexcept override;

    unsigned long thread() const noexcept override { return thread_; }
    // The thread has ended. True if requests have not ended and never will: call abandon().
    [[nodiscard]] bool leave() noexcept;
    // The callers of these requests get `{error, disconnected}'.
    void abandon(loop_bridge::Gil gil) noexcept;

private:
    void want(loop_bridge::Gil gil, const Level& level, PyObject* base, bool insisting) noexcept;
    static bool is_within(loop_bridge::Gil gil, const Level& inner, const Level& outer) noexcept;
    bool has_inner(loop_bridge::Gil gil, const Level& level) const noexcept;

    std::vector<std::unique_ptr<Level>> levels_;  // newest last
    unsigned long thread_ = PyThread_get_thread_ident();
    std::atomic<bool> left_{false};  // the thread has ended; its ident may belong to another thread
};

}  // namespace nif
