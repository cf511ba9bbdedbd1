// SPDX-License-Identifier: Apache-2.0
#include "nif/janitor.h"

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/python/drop_queue.h"
#include "nif/native_thread.h"

namespace nif {

using loop_bridge::BlockingWaiter;
using loop_bridge::DropQueue;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilAcquire;
using loop_bridge::GilRelease;

namespace {

struct Interrupt final : loop_bridge::Entry {
    Interrupt(ResourcePtr<RequestHandle> handle, bool insists)
        : request(std::move(handle)), insisting(insists) {}
    ResourcePtr<RequestHandle> request;
    bool insisting;
};

}  // namespace

Janitor& Janitor::instance() {
    static Janitor& janitor = *new Janitor;
    return janitor;
}

Janitor::Janitor() : channel_(Node::instance().wake_kind.load()) {}

void Janitor::start(PyObject* exception_type, PyObject* report_stuck) {
    exception_type_ = exception_type;
    report_stuck_ = report_stuck;
    DropQueue::set_waker([]() noexcept { Janitor::instance().wake(); });
    start_native_thread("py-janitor", [this] { run(); });
}

void Janitor::interrupt(ResourcePtr<RequestHandle> request) noexcept {
    EntryPtr entry = std::make_unique<Interrupt>(std::move(request), false);
    static_cast<void>(channel_.push(entry));  // never closed
}

void Janitor::insist(ResourcePtr<RequestHandle> request) noexcept {
    EntryPtr entry = std::make_unique<Interrupt>(std::move(request), true);
    static_cast<void>(channel_.push(entry));
}

void Janitor::run() {
    BlockingWaiter waiter{channel_, std::chrono::microseconds{0}};
    // One thread state for good. To make one each time takes a lock without the GIL, and before
    // CPython 3.12 a fork at that moment leaves a child that waits for that lock for ever.
    const GilAcquire acquired;
    for (;;) {
        EntryList jobs;
        {
            const GilRelease released{acquired.gil()};
            static_cast<void>(waiter.wait(std::nullopt));
            jobs = channel_.take_all();
        }
        DropQueue::drain(acquired.gil());
        work(acquired.gil(), std::move(jobs));
    }
}

void Janitor::work(Gil gil, EntryList jobs) {
    while (const EntryPtr job = jobs.pop_front()) {
        const auto& interrupt = static_cast<const Interrupt&>(*job);
        if (interrupt.insisting) report(gil, *interrupt.request);
        interrupt.request->interrupt(gil, exception_type_);
    }
}

void Janitor::report(Gil gil, const RequestHandle& request) noexcept {
    const auto thread = request.thread(gil);
    if (!thread) return;  // it has just ended
    PyObject* done = PyObject_CallFunction(report_stuck_, "k", *thread);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
}

}  // namespace nif
