// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/janitor.h"

#include <deque>
#include <functional>
#include <optional>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/python/drop_queue.h"
#include "nif/interruption/interruptions.h"
#include "nif/node/native_thread.h"

namespace nif {

using loop_bridge::BlockingWaiter;
using loop_bridge::DropQueue;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilAcquire;
using loop_bridge::GilRelease;

namespace {

struct Job final : loop_bridge::Entry {
    Job(std::function<void(Gil)> work, bool takes_long) : run(std::move(work)), slow(takes_long) {}
    std::function<void(Gil)> run;
    bool slow;
};

}  // namespace

Janitor& Janitor::instance() {
    static Janitor& janitor = *new Janitor;
    return janitor;
}

Janitor::Janitor() : channel_(Node::instance().wake_kind.load()) {}

void Janitor::start(PyObject* report_stuck) {
    report_stuck_ = report_stuck;
    DropQueue::set_waker([]() noexcept { Janitor::instance().wake(); });
    start_native_thread("py-janitor", [this] { run(); });
}

void Janitor::interrupt(const ResourcePtr<RequestHandle>& request) noexcept {
    push([=](Gil gil) { request->interrupt(gil, false); });
}

void Janitor::insist(const ResourcePtr<RequestHandle>& request, bool reports) noexcept {
    push(
        [=, this](Gil gil) {
            if (reports) report(gil, *request);
            request->interrupt(gil, true);
        },
        reports);
}

void Janitor::abandon(const std::shared_ptr<RunningRequests>& requests) noexcept {
    push([=](Gil gil) { requests->abandon(gil); });
}

void Janitor::push(std::function<void(Gil)> work, bool slow) noexcept {
    EntryPtr job = std::make_unique<Job>(std::move(work), slow);
    static_cast<void>(channel_.push(job));  // never closed
}

void Janitor::run() {
    BlockingWaiter waiter{channel_, std::chrono::microseconds{0}};
    // One thread state for good. Making a new one takes a lock without the GIL. Before CPython
    // 3.12, a fork at that moment leaves a child that waits for that lock for ever.
    const GilAcquire acquired;
    std::optional<std::chrono::microseconds> next_look;
    // Slow jobs may take long while another thread keeps the GIL, so quick jobs go first.
    std::deque<EntryPtr> slow;
    for (;;) {
        EntryList jobs;
        {
            const GilRelease released{acquired.gil()};
            BlockingWaiter::Deadline deadline;
            if (next_look) deadline = std::chrono::steady_clock::now() + *next_look;
            static_cast<void>(waiter.wait(deadline));
            jobs = channel_.take_all();
        }
        DropQueue::drain(acquired.gil());
        while (EntryPtr job = jobs.pop_front()) {
            if (static_cast<const Job&>(*job).slow) {
                slow.push_back(std::move(job));
            } else {
                static_cast<const Job&>(*job).run(acquired.gil());
            }
        }
        next_look = Interruptions::instance().look(acquired.gil());
        if (slow.empty()) continue;
        static_cast<const Job&>(*slow.front()).run(acquired.gil());
        slow.pop_front();
        next_look = std::chrono::microseconds{0};
    }
}

void Janitor::report(Gil gil, const RequestHandle& request) noexcept {
    const auto thread = request.thread(gil);
    if (!thread) return;  // the request has just ended
    PyObject* done = PyObject_CallFunction(report_stuck_, "k", *thread);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
}

}  // namespace nif
