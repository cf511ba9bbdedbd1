// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/call_meter.h"

#include <algorithm>
#include <bit>

namespace loop_bridge {

CallMeter::Ticket::Ticket(CallMeter* meter, bool over_limit) noexcept
    : meter_(meter), start_(std::chrono::steady_clock::now()), over_limit_(over_limit) {}

CallMeter::Ticket::~Ticket() {
    if (meter_ == nullptr) return;
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start_);
    const auto microseconds = static_cast<std::uint64_t>(elapsed.count());
    const auto bucket = std::min<std::size_t>(std::bit_width(microseconds), kBuckets - 1);
    meter_->histogram_[bucket].fetch_add(1, std::memory_order_relaxed);
    meter_->total_microseconds_.fetch_add(microseconds, std::memory_order_relaxed);
    meter_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<CallMeter::Ticket> CallMeter::admit(bool nested) noexcept {
    auto count = in_flight_.load(std::memory_order_relaxed);
    bool over_limit = false;
    do {
        over_limit = count >= limit();
        if (over_limit && !nested) {
            refused_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
    } while (!in_flight_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
    started_.fetch_add(1, std::memory_order_relaxed);
    return Ticket{this, over_limit};
}

CallMeter::Snapshot CallMeter::snapshot() const noexcept {
    Snapshot now{};
    now.started = started_.load(std::memory_order_relaxed);
    now.in_flight = in_flight_.load(std::memory_order_relaxed);
    now.refused = refused_.load(std::memory_order_relaxed);
    now.stale = stale_.load(std::memory_order_relaxed);
    now.total_microseconds = total_microseconds_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kBuckets; ++i) {
        now.histogram[i] = histogram_[i].load(std::memory_order_relaxed);
    }
    return now;
}

}  // namespace loop_bridge
