// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/completion_queue.h"

#include <utility>

namespace loop_bridge {

namespace {

// Markers: addresses that no entry can have. Never dereferenced.
char armed_marker;
char closed_marker;
void* const kArmed = &armed_marker;
void* const kClosed = &closed_marker;

Entry* newest_entry(void* head) noexcept {
    return head == kArmed || head == kClosed ? nullptr : static_cast<Entry*>(head);
}

}  // namespace

PushResult CompletionQueue::push(EntryPtr& entry) noexcept {
    Entry* const added = entry.get();
    void* head = head_.load(std::memory_order_relaxed);
    do {
        if (head == kClosed) return PushResult::kClosed;
        added->next_ = newest_entry(head);
    } while (!head_.compare_exchange_weak(head, added, std::memory_order_release,
                                          std::memory_order_relaxed));
    // From here on the consumer may have deleted the entry.
    static_cast<void>(entry.release());
    return head == kArmed ? PushResult::kQueuedWake : PushResult::kQueued;
}

bool CompletionQueue::arm() noexcept {
    // Relaxed: nothing is handed over. If this fails, take_all() acquires the entries.
    void* head = nullptr;
    return head_.compare_exchange_strong(head, kArmed, std::memory_order_relaxed) || head == kArmed;
}

EntryList CompletionQueue::take_all() noexcept {
    void* head = head_.load(std::memory_order_relaxed);
    do {
        if (head == nullptr || head == kClosed) return {};
    } while (!head_.compare_exchange_weak(head, nullptr, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return oldest_first(newest_entry(head));
}

EntryList CompletionQueue::close() noexcept {
    return oldest_first(newest_entry(head_.exchange(kClosed, std::memory_order_acq_rel)));
}

bool CompletionQueue::closed() const noexcept {
    return head_.load(std::memory_order_acquire) == kClosed;
}

bool CompletionQueue::has_entries() const noexcept {
    const void* const head = head_.load(std::memory_order_relaxed);
    return head != nullptr && head != kArmed;
}

EntryList CompletionQueue::oldest_first(Entry* newest) noexcept {
    Entry* first = nullptr;
    while (newest != nullptr) {
        Entry* const older = std::exchange(newest->next_, first);
        first = std::exchange(newest, older);
    }
    return EntryList(first);
}

}  // namespace loop_bridge
