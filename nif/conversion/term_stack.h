// SPDX-License-Identifier: Apache-2.0
// term_stack.h: the terms of containers under construction. Small values need no heap.
// Threads: one at a time.
#pragma once

#include <erl_nif.h>

#include <algorithm>
#include <cstddef>
#include <memory>

namespace nif {

class TermStack {
public:
    TermStack() = default;
    ~TermStack() = default;
    TermStack(const TermStack&) = delete;
    TermStack& operator=(const TermStack&) = delete;

    // Room for `count` more terms; returns the place of the first.
    std::size_t push(std::size_t count) {
        const std::size_t first = size_;
        size_ += count;
        if (size_ > capacity_) grow();
        return first;
    }
    // Drops all terms from `first` on.
    void pop(std::size_t first) noexcept { size_ = first; }

    // Valid until the next push().
    ERL_NIF_TERM* at(std::size_t place) noexcept { return terms_ + place; }

private:
    void grow() {
        const std::size_t capacity = std::max(size_, 2 * capacity_);
        auto larger = std::make_unique<ERL_NIF_TERM[]>(capacity);
        std::copy_n(terms_, capacity_, larger.get());
        heap_ = std::move(larger);
        terms_ = heap_.get();
        capacity_ = capacity;
    }

    static constexpr std::size_t kInline = 32;
    ERL_NIF_TERM inline_[kInline]{};
    std::unique_ptr<ERL_NIF_TERM[]> heap_;
    ERL_NIF_TERM* terms_ = inline_;
    std::size_t size_ = 0;
    std::size_t capacity_ = kInline;
};

}  // namespace nif
