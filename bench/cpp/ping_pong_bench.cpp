// SPDX-License-Identifier: Apache-2.0
// A call and its reply between threads over two channels, with and without spinning before sleep.
// Arguments: kind       0 eventfd, 1 pipe
//            spin_us    longest spin of a caller
//            awake_us   how long the answering thread looks before it sleeps, as BEAM schedulers do
//            callers    threads that call one answering thread at the same time
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/channel.h"

namespace loop_bridge {
namespace {

// A call that names the channel for its answer. The call itself travels back, so nothing is
// allocated.
class Call final : public Entry {
public:
    explicit Call(Channel& reply_to) noexcept : reply_to_(reply_to) {}
    Channel& reply_to() const noexcept { return reply_to_; }

private:
    Channel& reply_to_;
};

// False when the channel is closed.
bool await_entries(BlockingWaiter& waiter) {
    for (;;) {
        switch (waiter.wait(std::nullopt)) {
            case WaitOutcome::kEntries:
                return true;
            case WaitOutcome::kClosed:
                return false;
            default:
                break;
        }
    }
}

// A thread that sends every call back to its sender, until its channel is closed.
class Echo {
public:
    Echo(WakeKind kind, std::chrono::microseconds awake)
        : calls_(kind), thread_([this, awake] { run(awake); }) {}
    Echo(const Echo&) = delete;
    Echo& operator=(const Echo&) = delete;
    ~Echo() {
        calls_.close();
        thread_.join();
    }

    Channel& calls() { return calls_; }

private:
    void run(std::chrono::microseconds awake) {
        BlockingWaiter waiter(calls_, std::chrono::microseconds(0));
        const auto has_calls = [this] { return calls_.has_entries(); };
        // Not by the spin policy: this thread stands for a thread of the BEAM.
        while (spin(awake, std::chrono::steady_clock::now, has_calls) || await_entries(waiter)) {
            if (calls_.closed()) {
                return;
            }
            EntryList list = calls_.take_all();
            while (EntryPtr entry = list.pop_front()) {
                Channel& reply_to = static_cast<Call&>(*entry).reply_to();
                benchmark::DoNotOptimize(reply_to.push(entry));
            }
        }
    }

    Channel calls_;
    std::thread thread_;
};

// One thread's side of the game.
class Caller {
public:
    Caller(WakeKind kind, std::chrono::microseconds spin)
        : replies_(kind), waiter_(replies_, spin), call_(std::make_unique<Call>(replies_)) {}

    bool call(Echo& echo) {
        if (!echo.calls().push(call_) || !await_entries(waiter_)) {
            return false;
        }
        call_ = replies_.take_all().pop_front();
        return call_ != nullptr;
    }

private:
    Channel replies_;
    BlockingWaiter waiter_;
    EntryPtr call_;
};

void ping_pong(benchmark::State& state) {
    const auto kind = static_cast<WakeKind>(state.range(0));
    const std::chrono::microseconds spin(state.range(1));
    Echo echo(kind, std::chrono::microseconds(state.range(2)));
    Caller caller(kind, spin);
    for (auto _ : state) {
        if (!caller.call(echo)) {
            state.SkipWithError("reply lost");
            break;
        }
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ping_pong)
    ->ArgNames({"kind", "spin_us", "awake_us"})
    ->ArgsProduct({{0}, {0, 5, 20, 100}, {0, 100}})
    ->Args({1, 0, 0})
    ->Args({1, 20, 100})
    ->UseRealTime();

void many_callers(benchmark::State& state) {
    constexpr int kEach = 1000;
    const auto kind = static_cast<WakeKind>(state.range(0));
    const std::chrono::microseconds spin(state.range(1));
    const auto caller_count = static_cast<int>(state.range(3));
    Echo echo(kind, std::chrono::microseconds(state.range(2)));
    std::atomic<int> lost{0};
    for (auto _ : state) {
        std::vector<std::thread> threads;
        threads.reserve(static_cast<std::size_t>(caller_count));
        for (int i = 0; i < caller_count; ++i) {
            threads.emplace_back([&] {
                Caller caller(kind, spin);
                for (int k = 0; k < kEach; ++k) {
                    if (!caller.call(echo)) {
                        ++lost;
                        return;
                    }
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    if (lost != 0) {
        state.SkipWithError("reply lost");
    }
    state.SetItemsProcessed(state.iterations() * caller_count * kEach);
}
BENCHMARK(many_callers)
    ->ArgNames({"kind", "spin_us", "awake_us", "callers"})
    ->ArgsProduct({{0}, {0, 5, 20, 100}, {100}, {1, 4, 16}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loop_bridge

BENCHMARK_MAIN();
