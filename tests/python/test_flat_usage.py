# SPDX-License-Identifier: Apache-2.0
"""Repeated operations leave descriptors, processes, atoms and memory as they were."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
import uvloop
from usage import MEGABYTE, Usage, assert_flat_since

import erlang

pytestmark = pytest.mark.channel

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Run = Callable[[Coroutine[object, object, int]], int]


def run_by_asyncio(main: Coroutine[object, object, int]) -> int:
    return asyncio.run(main)


def run_by_uvloop(main: Coroutine[object, object, int]) -> int:
    # From Python 3.12 on, asyncio.run itself takes another kind of loop.
    return uvloop.run(main)


async def add_one_again_and_again(times: int) -> int:
    value = 0
    for _ in range(times):
        value = await erlang.async_call("add_one", value)
    return value


def test_1_000_sequential_awaits_leave_nothing(loop_factory: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(add_one_again_and_again(1000))
        before = Usage.now()
        assert runner.run(add_one_again_and_again(1000)) == 1000
        assert_flat_since(before, resident=4 * MEGABYTE)


def test_1_000_sequential_awaits_with_payloads_leave_nothing(loop_factory: LoopFactory) -> None:
    """64 kB each way make 65 MB in all. Less than a quarter may stay."""
    payload = "x" * 65536

    async def echo_again_and_again() -> None:
        for _ in range(1000):
            assert await erlang.async_call("echo", payload) == payload

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(echo_again_and_again())
        before = Usage.now()
        runner.run(echo_again_and_again())
        assert_flat_since(before, resident=16 * MEGABYTE)


@pytest.mark.parametrize("run", [run_by_asyncio, run_by_uvloop])
def test_300_fresh_runs_leave_nothing(run: Run) -> None:
    for _ in range(50):
        run(add_one_again_and_again(1))
    before = Usage.now()
    for _ in range(300):
        assert run(add_one_again_and_again(2)) == 2
    assert_flat_since(before, resident=8 * MEGABYTE)
