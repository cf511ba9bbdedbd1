# SPDX-License-Identifier: Apache-2.0
"""The end of a wait stops the Erlang process that works on the call."""

import asyncio
import gc

import pytest

import erlang

pytestmark = pytest.mark.channel


async def started(tag: str) -> tuple[erlang.Call[object], erlang.Pid]:
    """A call that does not end by itself, and its process."""
    call = erlang.async_call("wait_watched", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    assert isinstance(pid, erlang.Pid)
    return call, pid


async def has_stopped(tag: str) -> bool:
    """Return whether the process was told to stop. Otherwise it would be killed a second later."""
    return await ended(tag) == "shutdown"


async def ended(tag: str) -> object:
    """The exit reason of the process, once it has ended."""
    return await erlang.async_call("await_published", f"end of {tag}", 5000)


async def test_cancelling_the_call_stops_the_process(tag: str) -> None:
    call, _ = await started(tag)
    assert call.cancel()
    assert await has_stopped(tag)
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancelling_the_awaiting_task_stops_the_process(tag: str) -> None:
    call, _ = await started(tag)

    async def wait() -> object:
        return await call

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.cancelled()
    assert await has_stopped(tag)


async def test_cancelling_a_task_made_of_the_call_stops_the_process(tag: str) -> None:
    call, _ = await started(tag)
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await has_stopped(tag)


async def test_cancelling_a_task_that_never_ran_stops_the_process(tag: str) -> None:
    call, _ = await started(tag)
    task = asyncio.create_task(call)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await has_stopped(tag)


async def test_leaving_a_timeout_block_stops_the_process(tag: str) -> None:
    async def run_out_of_time() -> None:
        async with asyncio.timeout(None) as limit:
            call, _ = await started(tag)
            limit.reschedule(asyncio.get_running_loop().time())
            await call

    with pytest.raises(TimeoutError):
        await run_out_of_time()
    assert await has_stopped(tag)


async def test_wait_for_stops_the_process(tag: str) -> None:
    call, _ = await started(tag)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call, 0.01)
    assert await has_stopped(tag)


async def test_cancelling_a_gather_stops_all_its_processes(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(50)]
    calls = [(await started(each))[0] for each in tags]
    gathered = asyncio.gather(*calls)
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert await asyncio.gather(*map(has_stopped, tags)) == [True] * 50


@pytest.mark.parametrize("earlier", [0, 1])
async def test_a_call_that_has_not_been_sent_yet_is_never_made(tag: str, earlier: int) -> None:
    for number in range(earlier):
        assert await erlang.async_call("echo", number) == number
    # Most of these calls gather until the next turn of the loop. Before the loop has an Erlang
    # process, all of them gather.
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
    call, _ = await started(tag)
    assert call.cancel()
    assert not call.cancel()
    assert await has_stopped(tag)


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
    """As with every future: dropping a call does not cancel it."""
    pid = (await started(tag))[1]
    gc.collect()
    # When this call returns, the handler has finished its reaction to the lost call, if any.
    assert await erlang.async_call("echo", 1) == 1
    await erlang.async_call("release", pid, 1)
    assert await ended(tag) == "normal"


async def test_the_message_of_a_cancellation_arrives(tag: str) -> None:
    call, _ = await started(tag)
    call.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await call
    assert await has_stopped(tag)
