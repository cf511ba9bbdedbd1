// SPDX-License-Identifier: Apache-2.0
// The cost of a channel: on one thread, in bursts, and with many producers. The argument `kind` is
// the wake descriptor: 0 eventfd, 1 pipe.
#include <benchmark/benchmark.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "loop_bridge/channel.h"

namespace loop_bridge {
namespace {

class Payload final : public Entry {};

WakeKind kind_of(const benchmark::State& state) { return static_cast<WakeKind>(state.range(0)); }

int count(EntryList list) {
    int entries = 0;
    while (list.pop_front() != nullptr) {
        ++entries;
    }
    return entries;
}

void push_one(Channel& channel) {
    EntryPtr entry = std::make_unique<Payload>();
    benchmark::DoNotOptimize(channel.push(entry));
}

// The floor: the cost of the entries alone.
void allocate_and_free(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(std::make_unique<Payload>());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(allocate_and_free);

void push_and_take_one(benchmark::State& state) {
    Channel channel(kind_of(state));
    for (auto _ : state) {
        push_one(channel);
        benchmark::DoNotOptimize(count(channel.take_all()));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(push_and_take_one)->ArgName("kind")->Arg(0);

// Writes and reads the descriptor for each entry. Wake elision saves this cost.
void push_and_take_one_armed(benchmark::State& state) {
    Channel channel(kind_of(state));
    for (auto _ : state) {
        benchmark::DoNotOptimize(channel.arm());
        push_one(channel);
        channel.clear_wake();
        benchmark::DoNotOptimize(count(channel.take_all()));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(push_and_take_one_armed)->ArgName("kind")->Arg(0)->Arg(1);

void burst_of_1000(benchmark::State& state) {
    constexpr int kBurst = 1000;
    Channel channel(kind_of(state));
    for (auto _ : state) {
        benchmark::DoNotOptimize(channel.arm());
        for (int i = 0; i < kBurst; ++i) {
            push_one(channel);
        }
        channel.clear_wake();
        if (count(channel.take_all()) != kBurst) {
            state.SkipWithError("entries lost");
            break;
        }
    }
    state.SetItemsProcessed(state.iterations() * kBurst);
}
BENCHMARK(burst_of_1000)->ArgName("kind")->Arg(0)->Arg(1);

// Producers push as fast as they can to one consumer that sleeps whenever it is idle.
void many_producers(benchmark::State& state) {
    constexpr int kEach = 10'000;
    const auto producer_count = static_cast<int>(state.range(1));
    for (auto _ : state) {
        Channel channel(kind_of(state));
        std::vector<std::thread> producers;
        producers.reserve(static_cast<std::size_t>(producer_count));
        for (int i = 0; i < producer_count; ++i) {
            producers.emplace_back([&channel] {
                for (int k = 0; k < kEach; ++k) {
                    push_one(channel);
                }
            });
        }
        for (int left = producer_count * kEach; left > 0;) {
            channel.clear_wake();
            left -= count(channel.take_all());
            if (left > 0 && channel.arm()) {
                pollfd watched{channel.fd(), POLLIN, 0};
                ::poll(&watched, 1, -1);
            }
        }
        for (std::thread& producer : producers) {
            producer.join();
        }
    }
    state.SetItemsProcessed(state.iterations() * producer_count * kEach);
}
BENCHMARK(many_producers)
    ->ArgNames({"kind", "producers"})
    ->Args({0, 1})
    ->Args({0, 4})
    ->Args({0, 16})
    ->Args({1, 4})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loop_bridge

BENCHMARK_MAIN();
