# SPDX-License-Identifier: Apache-2.0
"""How late a loop's ticker of 5 ms is while 100,000 replies come at once.

The floor is the same number of bare futures that one callback of the loop resolves. The cost is the
worst lateness of a round after the release. Durations are microseconds of lateness.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from subjects import bare_futures, erlang_calls

import erlang
from workloads.rounds import Record, Round, Side, compare, runner

CALLS = 100_000
TICK = 0.005

Futures = Sequence[asyncio.Future[int]]
# Futures that wait, and the function that releases all of them.
Wait = Callable[[int], Awaitable[tuple[Futures, Callable[[], None]]]]


async def waiting_calls(count: int) -> tuple[Futures, Callable[[], None]]:
    gate: erlang.Pid = await erlang.async_call("open_gate")
    calls = [erlang.async_call("pass_gate", gate, value) for value in range(count)]
    assert await erlang.async_call("everybody_at_gate", gate, count) == count
    return calls, lambda: erlang.send(gate, erlang.Atom("lift"))


async def waiting_futures(count: int) -> tuple[Futures, Callable[[], None]]:
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[int]] = [loop.create_future() for _ in range(count)]

    def resolve() -> None:
        for value, future in enumerate(futures):
            future.set_result(value)

    def release() -> None:
        loop.call_soon(resolve)

    return futures, release


async def tick(lateness: list[float]) -> None:
    clock = time.perf_counter
    while True:
        due = clock() + TICK
        await asyncio.sleep(TICK)
        lateness.append(max(0, clock() - due) * 1e6)


async def beside(wait: Wait, count: int) -> Round:
    futures, release = await wait(count)
    gathered = asyncio.gather(*futures)
    lateness: list[float] = []
    ticker = asyncio.create_task(tick(lateness))
    await asyncio.sleep(2 * TICK)
    lateness.clear()
    release()
    values = await gathered
    # Wait for the tick that was due meanwhile.
    await asyncio.sleep(2 * TICK)
    ticker.cancel()
    assert values == list(range(count)), "results are not where they belong"
    return Round(max(lateness), lateness)


def run(variant: str, quick: bool) -> list[Record]:
    count, rounds = (2_000, 2) if quick else (CALLS, 7)
    with runner(variant) as loop:

        def side(name: str, wait: Wait) -> Side:
            return Side(name, lambda: loop.run(beside(wait, count)))

        ours = side(erlang_calls.NAME, waiting_calls)
        floor = side(bare_futures.NAME, waiting_futures)
        return [compare("burst", variant, ours, floor, rounds)]
