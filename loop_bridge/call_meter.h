// SPDX-License-Identifier: Apache-2.0
// call_meter.h: counts calls in flight, limits them, and keeps a histogram of their durations.
// Threads: any; nothing blocks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace loop_bridge {

class CallMeter {
public:
    // Bucket i counts calls that took less than 2^i microseconds. The last bucket counts all longer
    // calls.
    static constexpr std::size_t kBuckets = 32;

    // One call in flight, from admit() until the ticket is destroyed.
    class Ticket {
    public:
        Ticket(Ticket&& other) noexcept
            : meter_(std::exchange(other.meter_, nullptr)),
              start_(other.start_),
              over_limit_(other.over_limit_) {}
        Ticket& operator=(Ticket&& other) noexcept {
            std::swap(meter_, other.meter_);
            std::swap(start_, other.start_);
            std::swap(over_limit_, other.over_limit_);
            return *this;
        }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket();

        // The call was admitted only because it is nested.
        bool over_limit() const noexcept { return over_limit_; }

    private:
        friend class CallMeter;
        Ticket(CallMeter* meter, bool over_limit) noexcept;
        CallMeter* meter_;
        std::chrono::steady_clock::time_point start_;
        bool over_limit_;
    };

    struct Snapshot {
        std::uint64_t started;
        std::uint64_t in_flight;
        std::uint64_t refused;
        std::uint64_t stale;
        std::uint64_t total_microseconds;
        std::array<std::uint64_t, kBuckets> histogram;
    };

    // Nothing if the limit is reached. A nested call is always admitted: it works for a call that
    // is counted already, and a refusal could make that call wait for itself.
    [[nodiscard]] std::optional<Ticket> admit(bool nested) noexcept;
    void set_limit(std::uint64_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }
    std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    // A completion came for a call that had already ended.
    void count_stale() noexcept { stale_.fetch_add(1, std::memory_order_relaxed); }
    Snapshot snapshot() const noexcept;

private:
    std::atomic<std::uint64_t> started_{0};
    std::atomic<std::uint64_t> in_flight_{0};
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint64_t> stale_{0};
    std::atomic<std::uint64_t> total_microseconds_{0};
    std::atomic<std::uint64_t> limit_{UINT64_MAX};
    std::array<std::atomic<std::uint64_t>, kBuckets> histogram_{};
};

}  // namespace loop_bridge
