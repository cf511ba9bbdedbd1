# SPDX-License-Identifier: Apache-2.0
"""erlang.async_call in all uses of awaitables in asyncio, on both loops."""

import asyncio
import threading

import pytest

import erlang

pytestmark = pytest.mark.channel


async def test_await_gives_the_result() -> None:
    assert await erlang.async_call("double_it", 21) == 42


async def test_gather_of_three() -> None:
    calls = [erlang.async_call("double_it", number) for number in (1, 2, 3)]
    assert await asyncio.gather(*calls) == [2, 4, 6]


async def test_gather_of_10_000_puts_each_result_where_it_belongs() -> None:
    calls = [erlang.async_call("echo", number) for number in range(10_000)]
    assert await asyncio.gather(*calls) == list(range(10_000))


async def test_1_000_sequential_awaits() -> None:
    value = 0
    for _ in range(1000):
        value = await erlang.async_call("add_one", value)
    assert value == 1000


async def test_wait_for() -> None:
    assert await asyncio.wait_for(erlang.async_call("double_it", 21), 30) == 42
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(erlang.async_call("slow", 60_000), 0.01)


async def test_timeout_blocks() -> None:
    async with asyncio.timeout(30):
        assert await erlang.async_call("double_it", 21) == 42
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await erlang.async_call("slow", 60_000)


async def test_shield_lets_the_call_go_on(tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    outer = asyncio.shield(call)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    await erlang.async_call("release", pid, "went on")
    assert await call == "went on"


async def test_as_completed_yields_the_first_to_end_first(tag: str) -> None:
    first = erlang.async_call("wait_forever", f"{tag}/first")
    second = erlang.async_call("wait_forever", f"{tag}/second")
    results = []
    release = "second"
    for done in asyncio.as_completed([first, second]):
        pid = await erlang.async_call("await_published", f"{tag}/{release}", 5000)
        await erlang.async_call("release", pid, release)
        results.append(await done)
        release = "first"
    assert results == ["second", "first"]


async def test_create_task() -> None:
    task = asyncio.create_task(erlang.async_call("double_it", 21), name="doubling")
    assert task.get_name() == "doubling"
    assert await task == 42


async def test_a_task_of_a_failing_call_fails() -> None:
    task = asyncio.create_task(erlang.async_call("fail_with", "reason"))
    with pytest.raises(erlang.Error, match="reason"):
        await task


async def test_task_group() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(erlang.async_call("double_it", n)) for n in range(5)]
    assert [task.result() for task in tasks] == [0, 2, 4, 6, 8]


async def test_a_failure_in_a_task_group_cancels_the_others(tag: str) -> None:
    waiting = erlang.async_call("wait_watched", tag)
    await erlang.async_call("await_published", tag, 5000)

    async def group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(waiting)
            group.create_task(erlang.async_call("fail_with", "reason"))

    with pytest.raises(ExceptionGroup) as caught:
        await group()
    assert [type(error) for error in caught.value.exceptions] == [erlang.Error]
    assert waiting.cancelled()
    assert await erlang.async_call("await_published", f"end of {tag}", 5000) == "shutdown"


async def test_awaiting_again_gives_the_same_result() -> None:
    call = erlang.async_call("echo", 1)
    assert [await call, await call] == [1, 1]


async def test_several_tasks_may_wait_for_one_call() -> None:
    call = erlang.async_call("slow", 20)

    async def wait() -> object:
        return await call

    assert await asyncio.gather(wait(), wait(), wait()) == [20, 20, 20]


async def test_the_call_starts_before_anybody_awaits_it(tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    # This blocks the loop on purpose: only the start itself can have sent the call.
    pid = await asyncio.to_thread(erlang.call, "await_published", tag, 5000)
    await erlang.async_call("release", pid, 1)
    assert await call == 1


async def test_done_callbacks_run_with_the_call() -> None:
    seen: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    call = erlang.async_call("echo", 1)
    call.add_done_callback(seen.set_result)
    assert await seen is call


async def test_timeout_of_the_call_itself(tag: str) -> None:
    with pytest.raises(erlang.Timeout, match="wait_watched"):
        await erlang.async_call("wait_watched", tag, timeout=0.05)
    # On a busy machine the process may be stopped before it begins.
    if await erlang.async_call("await_published", tag, 0) is not None:
        assert await erlang.async_call("await_published", f"end of {tag}", 5000) == "shutdown"


async def test_a_timeout_that_does_not_run_out_changes_nothing() -> None:
    assert await erlang.async_call("slow", 10, timeout=30) == 10
    assert await erlang.async_call("echo", 1, timeout=1e12) == 1


async def test_no_time_at_all_is_a_timeout() -> None:
    with pytest.raises((erlang.Timeout, ValueError)):
        await erlang.async_call("slow", 1000, timeout=0)


async def test_a_call_runs_out_of_time_though_the_erlang_side_is_stuck() -> None:
    handler = await erlang.async_call("suspend_handler")
    try:
        async with asyncio.timeout(30):
            with pytest.raises(erlang.Timeout):
                await erlang.async_call("echo", 1, timeout=0.05)
    finally:
        await asyncio.to_thread(erlang.call, "resume_handler", handler)
    assert await erlang.async_call("echo", 1) == 1


def test_without_a_running_loop_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="running event loop"):
        erlang.async_call("echo", 1)


async def test_in_a_thread_without_a_loop_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="running event loop"):
        await asyncio.to_thread(erlang.async_call, "echo", 1)


async def test_refused_arguments_raise_at_once_and_send_nothing() -> None:
    with pytest.raises(TypeError, match=r"args\[0\]\['k'\]\[3\]"):
        erlang.async_call("echo", {"k": [0, 1, 2, object()]})
    assert await erlang.async_call("echo", 1) == 1


async def test_200_slow_calls_run_at_once_while_the_loop_and_threads_go_on(tag: str) -> None:
    thread_goes_on = threading.Event()
    calls = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(200)]
    pids = [await erlang.async_call("await_published", f"{tag}/{n}", 5000) for n in range(200)]
    # All of them run, and none can end by itself.
    thread = threading.Thread(target=thread_goes_on.set)
    thread.start()
    for _ in range(10):
        await asyncio.sleep(0.001)
    thread.join()
    assert thread_goes_on.is_set()
    assert not any(call.done() for call in calls)
    for number, pid in enumerate(pids):
        assert await erlang.async_call("release", pid, number)
    assert await asyncio.gather(*calls) == list(range(200))


async def test_results_come_in_while_the_loop_is_busy_with_its_own() -> None:
    async def spin() -> int:
        for _ in range(200):
            await asyncio.sleep(0)
        return -1

    calls = [erlang.async_call("echo", n) for n in range(200)]
    assert await asyncio.gather(spin(), *calls) == [-1, *range(200)]


async def test_call_chains_from_done_callbacks() -> None:
    """A call made while results are being delivered works like any other."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def step(call: asyncio.Future[int]) -> None:
        if call.result() == 100:
            end.set_result(call.result())
        else:
            erlang.async_call("add_one", call.result()).add_done_callback(step)

    erlang.async_call("add_one", 0).add_done_callback(step)
    assert await end == 100
