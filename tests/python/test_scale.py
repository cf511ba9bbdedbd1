# SPDX-License-Identifier: Apache-2.0
"""Large numbers of threads and loops that come and go, and of concurrent calls."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from usage import MEGABYTE, Usage, assert_flat_since

import erlang
from erlang.testing import becomes_true

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

THREADS = 100_000
THREADS_AT_ONCE = 8
LOOPS = 5_000  # of each kind
CALLS = 100_000
BLOCKED = 1_000


def threads_that_call(count: int) -> None:
    failed: list[int] = []

    def call(number: int) -> None:
        if erlang.call("add_one", number) != number + 1:
            failed.append(number)

    for first in range(0, count, THREADS_AT_ONCE):
        numbers = range(first, min(first + THREADS_AT_ONCE, count))
        threads = [threading.Thread(target=call, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_100_000_threads_come_and_go() -> None:
    threads_that_call(2_000)
    before = Usage.now()
    threads_that_call(THREADS)
    # 160 bytes lost with each thread would be sixteen megabytes.
    assert_flat_since(before, resident=16 * MEGABYTE, kept_channels=THREADS_AT_ONCE)


def loops_that_call(factory: LoopFactory, count: int) -> None:
    async def add_one(number: int) -> int:
        return await erlang.async_call("add_one", number)

    for number in range(count):
        with asyncio.Runner(loop_factory=factory) as runner:
            assert runner.run(add_one(number)) == number + 1


def test_10_000_loops_come_and_go(loop_factory: LoopFactory) -> None:
    """Half of the loops are of each kind."""
    loops_that_call(loop_factory, 200)
    before = Usage.now()
    loops_that_call(loop_factory, LOOPS)
    assert_flat_since(before, resident=16 * MEGABYTE, kept_channels=1)


async def gather_all_at_once(count: int) -> None:
    """All calls are in progress before any call ends: each waits in Erlang for a message."""
    gate = await erlang.async_call("open_gate")
    calls = [erlang.async_call("pass_gate", gate, number) for number in range(count)]
    everybody = erlang.async_call("everybody_at_gate", gate, count)
    assert await everybody == count
    assert erlang.stats()["in_flight"] >= count
    assert not any(call.done() for call in calls)
    await erlang.async_call("lift_gate", gate)
    assert await asyncio.gather(*calls) == list(range(count))


def test_100_000_calls_on_one_loop_are_under_way_at_once(loop_factory: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(gather_all_at_once(1_000))
        quiet = Usage.now()
        # Allocators keep some memory of the system for ever. They get this memory in the first
        # round. Erlang's own figure has none of it, and shows the garbage of a round.
        runner.run(gather_all_at_once(CALLS))
        before = replace(Usage.now(), erlang_memory=quiet.erlang_memory)
        runner.run(gather_all_at_once(CALLS))
        assert_flat_since(before, resident=64 * MEGABYTE)


def block_threads(count: int) -> None:
    gate = erlang.call("open_gate")
    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(erlang.call, "pass_gate", gate, number) for number in range(count)]
        assert erlang.call("everybody_at_gate", gate, count) == count
        assert not any(call.done() for call in calls)
        erlang.call("lift_gate", gate)
        assert [call.result() for call in calls] == list(range(count))


def test_1_000_threads_are_blocked_at_once() -> None:
    block_threads(BLOCKED)
    # The node gives back channels for which the pool has no room.
    assert becomes_true(lambda: erlang.stats()["channels"] < 200)
    before = Usage.now()
    block_threads(BLOCKED)
    assert_flat_since(before, resident=32 * MEGABYTE, kept_channels=64)
