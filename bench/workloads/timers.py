# SPDX-License-Identifier: Apache-2.0
"""The lateness of Erlang's timers of a millisecond, beside gathers of 1,000 calls without a pause.

The floor is the lateness beside gathers of bare futures, while Erlang itself spawns the same number
of processes. A process that waits for a timer waits its turn among ready processes, whatever made
them ready. The cost is the 99th percentile of a round. Durations are microseconds of lateness.
"""

import asyncio
from collections.abc import Awaitable, Callable

from subjects import bare_futures, erlang_calls

import erlang
from workloads.rounds import Record, Round, Side, compare, quantile, runner

CALLS = 1000

Gather = Callable[[range], Awaitable[list[int]]]


async def futures_and_processes(values: range) -> list[int]:
    burst = erlang.async_call("spawn_burst", len(values))
    doubled = await bare_futures.gather(values)
    assert await burst == len(values)
    return doubled


async def beside(gather: Gather, timers: int) -> Round:
    lateness = erlang.async_call("timer_lateness", timers)
    while not lateness.done():
        doubled = await gather(range(CALLS))
        assert doubled[-1] == 2 * (CALLS - 1)
        await asyncio.sleep(0)
    durations = [float(each) for each in lateness.result()]
    assert len(durations) == timers
    return Round(quantile(sorted(durations), 0.99), durations)


def run(variant: str, quick: bool) -> list[Record]:
    timers, rounds = (50, 2) if quick else (500, 10)
    with runner(variant) as loop:

        def side(name: str, gather: Gather) -> Side:
            return Side(name, lambda: loop.run(beside(gather, timers)))

        ours = side(erlang_calls.NAME, erlang_calls.gather)
        floor = side("Erlang's own processes", futures_and_processes)
        return [compare("timers", variant, ours, floor, rounds)]
