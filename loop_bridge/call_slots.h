// SPDX-License-Identifier: Apache-2.0
// call_slots.h: finds the waiting future or thread of a completion.
// Threads: not thread safe; one consumer uses it (a loop's: under the GIL).
// Owns:    every value from open() until take() or drain() moves it out.
//
// A call id is a slot number and a generation. The generation changes when the slot is given back.
// So the id of an ended call (cancelled, timed out) finds nothing, even if another call uses its
// slot. 26 + 32 bits keep an id a small integer in the BEAM. No id is ever 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>

namespace loop_bridge {

using CallId = std::uint64_t;

inline constexpr unsigned kSlotBits = 26;
inline constexpr std::size_t kMaxSlots = std::size_t{1} << kSlotBits;

template <class T>
class CallSlots {
public:
    explicit CallSlots(std::size_t limit = kMaxSlots)
        : limit_(limit < kMaxSlots ? limit : kMaxSlots) {}

    // Throws std::length_error if the maximum number of calls is in flight, std::bad_alloc.
    [[nodiscard]] CallId open(T value) {
        const std::uint32_t number = free_ != kNone ? free_ : add_slot();
        Slot& slot = slots_[number];
        slot.value.emplace(std::move(value));
        free_ = std::exchange(slot.next_free, kNone);
        ++size_;
        return id_of(number, slot);
    }

    // Null if the call has ended. Stays valid until that call is taken or drained.
    T* find(CallId id) noexcept {
        Slot* const slot = open_slot(id);
        return slot != nullptr ? &*slot->value : nullptr;
    }

    // Ends the call. Nothing if the call has ended before.
    std::optional<T> take(CallId id) noexcept {
        Slot* const slot = open_slot(id);
        return slot != nullptr ? give_back(number_of(id), *slot) : std::nullopt;
    }

    std::size_t size() const noexcept { return size_; }

    // Ends every call: on_each(CallId, T&&). Each slot is given back before its on_each, so on_each
    // may open and take calls. Calls opened meanwhile may stay open.
    template <class F>
    void drain(F&& on_each) {
        const auto count = static_cast<std::uint32_t>(slots_.size());
        for (std::uint32_t number = 0; number < count; ++number) {
            Slot& slot = slots_[number];
            if (slot.value.has_value()) {
                const CallId id = id_of(number, slot);
                std::optional<T> value = give_back(number, slot);
                on_each(id, std::move(*value));
            }
        }
    }

    // Shows every open call: on_each(CallId, const T&), which must not open or take calls.
    template <class F>
    void for_each(F&& on_each) const {
        for (std::uint32_t number = 0; number < slots_.size(); ++number) {
            const Slot& slot = slots_[number];
            if (slot.value.has_value()) on_each(id_of(number, slot), *slot.value);
        }
    }

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Slot {
        std::optional<T> value;
        std::uint32_t generation = 1;
        std::uint32_t next_free = kNone;
    };

    static std::uint32_t number_of(CallId id) noexcept {
        return static_cast<std::uint32_t>(id & (kMaxSlots - 1));
    }

    static CallId id_of(std::uint32_t number, const Slot& slot) noexcept {
        return (CallId{slot.generation} << kSlotBits) | number;
    }

    // The slot behind the id, while that call is open.
    Slot* open_slot(CallId id) noexcept {
        const std::uint32_t number = number_of(id);
        if (number >= slots_.size()) return nullptr;
        Slot& slot = slots_[number];
        return slot.value.has_value() && id_of(number, slot) == id ? &slot : nullptr;
    }

    // The new slot is the only free one.
    std::uint32_t add_slot() {
        if (slots_.size() >= limit_) throw std::length_error("too many calls in flight");
        slots_.emplace_back();
        free_ = static_cast<std::uint32_t>(slots_.size() - 1);
        return free_;
    }

    std::optional<T> give_back(std::uint32_t number, Slot& slot) noexcept {
        std::optional<T> value = std::move(slot.value);
        slot.value.reset();
        // 0 is skipped, so that no id is 0.
        slot.generation = slot.generation == UINT32_MAX ? 1 : slot.generation + 1;
        // Last in, first out: the next call finds its slot in the cache.
        slot.next_free = std::exchange(free_, number);
        --size_;
        return value;
    }

    std::size_t limit_;
    std::deque<Slot> slots_;  // a deque: growing moves no value and leaves pointers valid
    std::uint32_t free_ = kNone;
    std::size_t size_ = 0;
};

}  // namespace loop_bridge
