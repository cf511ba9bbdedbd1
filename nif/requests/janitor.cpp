// SPDX-License-Identifier: Apache-2.0
#include "nif/requests/janitor.h"

#include <deque>
#include <optional>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/python/drop_queue.h"
#include "nif/interruption/interruptions.h"
#include "nif/node/bridge.h"
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
    using Work = std::function<void(Gil)>;
    Job(Work work, bool takes_long) : run(std::move(work)), slow(takes_long) {}
    Work run;
    bool slow;
};

void run_job(Gil gil, const EntryPtr& job) noexcept {
    contain("work for py-janitor", [&] { static_cast<const Job&>(*job).run(gil); });
}

}  // namespace

Janitor& Janitor::instance() {
    static Janitor& janitor = *new Janitor;
    return janitor;
}

Janitor::Janitor() : channel_(Bridge::instance().wake_kind.load()) {}

void Janitor::start() {
    DropQueue::set_waker([]() noexcept { Janitor::instance().wake(); });
    start_native_thread(kThread, [this] { run(); });
}

void Janitor::push_job(std::function<void(Gil)> work, bool slow) {
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
    const auto round = [&] {
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
                run_job(acquired.gil(), job);
            }
        }
        next_look = Interruptions::instance().look(acquired.gil());
        if (slow.empty()) return;
        run_job(acquired.gil(), slow.front());
        slow.pop_front();
        next_look = std::chrono::microseconds{0};
    };
    for (;;) contain(kThread, round);
}

}  // namespace nif
