# SPDX-License-Identifier: Apache-2.0
"""Whoever stops waiting stops the Erlang process that works on the call."""

import asyncio
import gc

import pytest

import erlang

pytestmark = pytest.mark.channel

# Milliseconds within which the process is gone.
GONE = 100


async def started(tag: str) -> tuple[erlang.Call[object], erlang.Pid]:
    """A call that will not end by itself, and the process that works on it."""
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    assert isinstance(pid, erlang.Pid)
    return call, pid


async def is_gone(pid: erlang.Pid) -> bool:
    return bool(await erlang.async_call("await_end", pid, GONE))


async def test_cancelling_the_call_stops_the_process(tag: str) -> None:
    call, pid = await started(tag)
    assert call.cancel()
    assert await is_gone(pid)
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancelling_the_awaiting_task_stops_the_process(tag: str) -> None:
    call, pid = await started(tag)

    async def wait() -> object:
        return await call

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.cancelled()
    assert await is_gone(pid)


async def test_cancelling_a_task_made_of_the_call_stops_the_process(tag: str) -> None:
    call, pid = await started(tag)
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_gone(pid)


async def test_cancelling_a_task_that_never_ran_stops_the_process(tag: str) -> None:
    call, pid = await started(tag)
    task = asyncio.create_task(call)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_gone(pid)


async def test_leaving_a_timeout_block_stops_the_process(tag: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await erlang.async_call("wait_forever", tag)
    assert await is_gone(await erlang.async_call("await_published", tag, 5000))


async def test_wait_for_stops_the_process(tag: str) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(erlang.async_call("wait_forever", tag), 0.05)
    assert await is_gone(await erlang.async_call("await_published", tag, 5000))


async def test_cancelling_a_gather_stops_all_its_processes(tag: str) -> None:
    calls = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(50)]
    pids = [await erlang.async_call("await_published", f"{tag}/{n}", 5000) for n in range(50)]
    gathered = asyncio.gather(*calls)
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert await asyncio.gather(*map(is_gone, pids)) == [True] * 50


async def test_a_call_that_has_not_been_sent_yet_is_never_made(tag: str) -> None:
    # So many that most of them gather until the next turn of the loop.
    calls = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(100)]
    for call in calls:
        call.cancel()
    assert await erlang.async_call("echo", 1) == 1
    assert await erlang.async_call("await_published", f"{tag}/99", 50) is None


async def test_a_process_that_traps_exits_is_killed_in_the_end(tag: str) -> None:
    call = erlang.async_call("ignore_shutdown", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    call.cancel()
    assert await erlang.async_call("await_end", pid, 5000)


async def test_cancelling_after_the_result_changes_nothing() -> None:
    call = erlang.async_call("echo", 1)
    assert await call == 1
    assert not call.cancel()
    assert call.result() == 1


async def test_cancelling_twice_is_cancelling_once(tag: str) -> None:
    call, pid = await started(tag)
    assert call.cancel()
    assert not call.cancel()
    assert await is_gone(pid)


async def test_cancelled_and_answered_at_the_same_time_never_disturbs_others() -> None:
    for round_ in range(50):
        calls = [erlang.async_call("echo", n) for n in range(40)]
        if round_ % 2:
            await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert results[1::2] == list(range(1, 40, 2))
        for n, result in zip(range(0, 40, 2), results[::2], strict=True):
            assert result == n or isinstance(result, asyncio.CancelledError)


async def test_a_call_that_nobody_holds_goes_on(tag: str) -> None:
    """As with every future: dropping it is not cancelling it."""
    pid = (await started(tag))[1]
    gc.collect()
    assert not await is_gone(pid)
    await erlang.async_call("release", pid, 1)
    assert await is_gone(pid)


async def test_the_message_of_a_cancellation_arrives(tag: str) -> None:
    call, pid = await started(tag)
    call.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await call
    assert await is_gone(pid)
