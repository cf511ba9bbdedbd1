// SPDX-License-Identifier: Apache-2.0
// The cost to open and take a call while other calls are in flight.
#include <benchmark/benchmark.h>

#include "loop_bridge/call_slots.h"

namespace loop_bridge {
namespace {

void open_and_take(benchmark::State& state) {
    CallSlots<void*> slots;
    for (int64_t i = 0; i < state.range(0); ++i) {
        benchmark::DoNotOptimize(slots.open(nullptr));
    }
    for (auto _ : state) {
        const CallId id = slots.open(nullptr);
        benchmark::DoNotOptimize(slots.take(id));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(open_and_take)->ArgName("in_flight")->Arg(0)->Arg(100)->Arg(20'000);

}  // namespace
}  // namespace loop_bridge

BENCHMARK_MAIN();
