// SPDX-License-Identifier: Apache-2.0
// entry.h: the entries that travel through a channel, and the list that a consumer drains. An entry
// is an abstract payload: a higher layer derives from it and knows the content. The entry has its
// own link, so that a push allocates nothing.
// Threads: one at a time.
#pragma once

#include <memory>
#include <utility>

namespace loop_bridge {

class Entry {
public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry() = default;

private:
    friend class CompletionQueue;
    friend class EntryList;
    Entry* next_ = nullptr;
};

using EntryPtr = std::unique_ptr<Entry>;

// Owns its entries, in arrival order, and deletes those that were not taken. One thread at a time.
class EntryList {
public:
    EntryList() noexcept = default;
    EntryList(EntryList&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    EntryList& operator=(EntryList&& other) noexcept {
        EntryList old{std::exchange(first_, std::exchange(other.first_, nullptr))};
        return *this;
    }
    EntryList(const EntryList&) = delete;
    EntryList& operator=(const EntryList&) = delete;
    ~EntryList() {
        while (pop_front() != nullptr) {
        }
    }

    bool empty() const noexcept { return first_ == nullptr; }

    // The oldest entry; null if the list is empty.
    EntryPtr pop_front() noexcept {
        Entry* const front = first_;
        if (front != nullptr) first_ = std::exchange(front->next_, nullptr);
        return EntryPtr(front);
    }

    // Walks the whole list.
    void push_back(EntryPtr entry) noexcept {
        Entry** end = &first_;
        while (*end != nullptr) end = &(*end)->next_;
        *end = entry.release();
    }

private:
    friend class CompletionQueue;
    explicit EntryList(Entry* first) noexcept : first_(first) {}

    Entry* first_ = nullptr;
};

}  // namespace loop_bridge
