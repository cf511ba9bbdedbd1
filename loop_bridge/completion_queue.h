// SPDX-License-Identifier: Apache-2.0
// completion_queue.h: finished calls on their way to one consumer.
// Threads: push(), close(), closed(), has_entries()   any thread, lock-free, never blocks
//          arm(), take_all()                          consumer only
// Owns:    every entry from push() until take_all() or close() moves it out.
//
// All state is one atomic word, the head:
//
//     state    head is            push()         arm()           take_all()    close()
//     EMPTY    null               -> FILLED      -> ARMED        stays         -> CLOSED
//     ARMED    a marker           -> FILLED (*)  stays           -> EMPTY      -> CLOSED
//     FILLED   the newest entry   stays          refused         -> EMPTY      -> CLOSED
//     CLOSED   a marker           refused        refused         stays         stays
//     (*) the one push that asks for a wake-up
//
// Why no wake-up is lost: "is it empty?" and "is somebody about to sleep?" are the same word, so
// its modification order decides between arm() and push(). Either push() comes first, and arm()
// finds FILLED and refuses; or arm() comes first, and push() replaces ARMED and is told to wake.
// Two words (a queue and a flag) would need sequential consistency to rule out a third case.
//
// Why none is lost to close(): an entry is linked by the compare-exchange that also checks for
// CLOSED, and CLOSED is never replaced. It is in the stack that take_all() or close() takes, or
// push() has refused it.
//
// Memory order: push() releases the entry's contents and take_all()/close() acquire them; entries
// pushed in between only exchange the same word, which keeps that release sequence unbroken. A
// stack that is only pushed to or taken whole has no ABA problem.
#pragma once

#include <atomic>

#include "loop_bridge/entry.h"

namespace loop_bridge {

enum class PushResult {
    kQueued,      // the consumer is awake and will find it
    kQueuedWake,  // the consumer had armed: wake it
    kClosed,      // refused; the entry is still the caller's
};

class CompletionQueue {
public:
    CompletionQueue() noexcept = default;
    CompletionQueue(const CompletionQueue&) = delete;
    CompletionQueue& operator=(const CompletionQueue&) = delete;
    ~CompletionQueue() { close(); }

    // Takes the entry, which must not be null, unless closed.
    [[nodiscard]] PushResult push(EntryPtr& entry) noexcept;

    // True: empty, and the next push() will ask for a wake-up. Arming again changes nothing.
    // False: entries wait, or it is closed.
    [[nodiscard]] bool arm() noexcept;

    // Everything pushed so far, in arrival order; disarms. Empty once closed.
    EntryList take_all() noexcept;

    // Refuses later pushes and returns the remaining entries. Returns an empty list from the second
    // call on.
    EntryList close() noexcept;

    bool closed() const noexcept;
    // A hint that take_all() or closed() has news. Also true when closed.
    bool has_entries() const noexcept;

private:
    static EntryList oldest_first(Entry* newest) noexcept;

    // Null, a marker, or the newest Entry (as Entry*).
    std::atomic<void*> head_{nullptr};
};

}  // namespace loop_bridge
