# SPDX-License-Identifier: Apache-2.0
"""Erlang functions of limited concurrency, as Python sees them: refused, or waiting in order."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import erlang

pytestmark = pytest.mark.channel


@pytest.fixture
def limited(tag: str) -> str:
    """A name under which a function like ``wait_forever`` is registered, for one call at a time."""
    erlang.call("register_limited", tag, "wait_forever", 1)
    return tag


def entered(function: str) -> Any:
    return erlang.call("await_published", f"in {function}", 10_000)


def leave(pid: object, value: str) -> None:
    erlang.call("release", pid, value)


def test_over_the_limit_is_overloaded(limited: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(erlang.call, limited, f"in {limited}")
        pid = entered(limited)
        with pytest.raises(
            erlang.Overloaded, match="concurrency limit reached: 1 call is running; "
        ):
            erlang.call(limited, "never")
        with pytest.raises(erlang.Overloaded):
            erlang.function(limited)("never", wait=False)
        leave(pid, "done")
        assert first.result(10) == "done"


async def test_an_awaited_call_over_the_limit_is_overloaded(limited: str) -> None:
    first = erlang.async_call(limited, f"in {limited}")
    pid = await erlang.async_call("await_published", f"in {limited}", 10_000)
    with pytest.raises(erlang.Overloaded) as caught:
        await erlang.async_call(limited, "never")
    assert caught.value.reason == (erlang.Atom("concurrency"), 1)
    await erlang.async_call("release", pid, "done")
    assert await first == "done"


async def test_one_that_waits_comes_in_afterwards(limited: str) -> None:
    first = erlang.async_call(limited, f"in {limited}")
    pid = await erlang.async_call("await_published", f"in {limited}", 10_000)
    second = erlang.function(limited).aio(f"second in {limited}", wait=True)
    assert await erlang.async_call("double_it", 21) == 42
    await erlang.async_call("release", pid, "first")
    assert await first == "first"
    pid = await erlang.async_call("await_published", f"second in {limited}", 10_000)
    await erlang.async_call("release", pid, "second")
    assert await second == "second"


async def test_a_cancelled_one_in_line_lets_the_next_come_in(limited: str) -> None:
    first = erlang.async_call(limited, f"in {limited}")
    pid = await erlang.async_call("await_published", f"in {limited}", 10_000)
    waiting = [erlang.async_call(limited, f"{n} in {limited}", wait=True) for n in range(3)]
    timed = erlang.async_call(limited, "never", wait=True, timeout=0.05)
    waiting[0].cancel()
    waiting[1].cancel()
    with pytest.raises(erlang.Timeout):
        await timed
    await erlang.async_call("release", pid, "first")
    assert await first == "first"
    pid = await erlang.async_call("await_published", f"2 in {limited}", 10_000)
    await erlang.async_call("release", pid, "third")
    assert await waiting[2] == "third"
    for call in waiting[:2]:
        with pytest.raises(asyncio.CancelledError):
            await call


def test_a_thread_in_line_gives_up_in_time(limited: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(erlang.call, limited, f"in {limited}")
        pid = entered(limited)
        with pytest.raises(erlang.Timeout):
            erlang.call(limited, "never", wait=True, timeout=0.05)
        leave(pid, "done")
        assert first.result(10) == "done"


@pytest.mark.parametrize("value", [1, "yes", 0.5, np.int64(1), np.array([True])])
def test_wait_is_true_false_or_none(value: Any) -> None:
    with pytest.raises(TypeError, match="wait must be True, False or None, not"):
        erlang.call("double_it", 21, wait=value)


@pytest.mark.parametrize("wait", [True, False, None, np.True_, np.False_])
def test_a_function_without_a_limit_takes_either(wait: bool | None) -> None:
    assert erlang.call("double_it", 21, wait=wait) == 42


def test_numpys_booleans_say_whether_to_wait(limited: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(erlang.call, limited, f"in {limited}")
        pid = entered(limited)
        with pytest.raises(erlang.Overloaded):
            erlang.call(limited, "never", wait=np.False_)  # type: ignore[arg-type]
        with pytest.raises(erlang.Timeout):
            erlang.call(limited, "never", wait=np.True_, timeout=0.05)  # type: ignore[arg-type]
        leave(pid, "done")
        assert first.result(10) == "done"


def test_a_thousand_waiting_calls_of_ten_threads_all_end(tag: str) -> None:
    erlang.call("register_limited", tag, "double_it", 2)
    barrier = threading.Barrier(10)

    def work(number: int) -> list[int]:
        barrier.wait()
        return [erlang.call(tag, number + n, wait=True) for n in range(100)]

    with ThreadPoolExecutor(10) as pool:
        for number, found in enumerate(pool.map(work, range(10))):
            assert found == [2 * (number + n) for n in range(100)]


async def test_a_gather_of_a_thousand_waiting_calls(tag: str) -> None:
    await erlang.async_call("register_limited", tag, "double_it", 3)
    calls = [erlang.async_call(tag, n, wait=True) for n in range(1000)]
    assert await asyncio.gather(*calls) == list(range(0, 2000, 2))
