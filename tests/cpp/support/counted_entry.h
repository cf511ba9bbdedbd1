// SPDX-License-Identifier: Apache-2.0
// counted_entry.h: an entry that names its sender, and a fixture that fails when an entry leaks.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "loop_bridge/entry.h"

namespace loop_bridge::testing {

class CountedEntry final : public Entry {
public:
    explicit CountedEntry(int number, int producer = 0) noexcept
        : number_(number), producer_(producer) {
        alive.fetch_add(1, std::memory_order_relaxed);
    }
    CountedEntry(const CountedEntry&) = delete;
    CountedEntry& operator=(const CountedEntry&) = delete;
    ~CountedEntry() override { alive.fetch_sub(1, std::memory_order_relaxed); }

    int number() const noexcept { return number_; }
    int producer() const noexcept { return producer_; }

    static inline std::atomic<int> alive{0};

private:
    int number_;
    int producer_;
};

inline EntryPtr make_entry(int number, int producer = 0) {
    return std::make_unique<CountedEntry>(number, producer);
}

inline const CountedEntry& counted(const EntryPtr& entry) {
    return dynamic_cast<const CountedEntry&>(*entry);
}

inline std::vector<int> numbers_of(EntryList list) {
    std::vector<int> numbers;
    while (EntryPtr entry = list.pop_front()) {
        numbers.push_back(counted(entry).number());
    }
    return numbers;
}

// When a test and the members of its fixture have ended, every entry has been deleted.
class EntriesBalance : public ::testing::Test {
protected:
    EntriesBalance() { EXPECT_EQ(CountedEntry::alive, 0); }
    ~EntriesBalance() override { EXPECT_EQ(CountedEntry::alive, 0); }
};

}  // namespace loop_bridge::testing
