# SPDX-License-Identifier: Apache-2.0
"""A call works wherever asyncio takes a future. Tasks take it like a coroutine."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from conftest import LoopFactory, Node

import erlang

Tasks = Callable[[Any], asyncio.Task[Any]]


def spawn_by_loop(call: Any) -> asyncio.Task[Any]:
    return asyncio.get_running_loop().create_task(call)


def spawn_by_constructor(call: Any) -> asyncio.Task[Any]:
    return asyncio.Task(call, loop=asyncio.get_running_loop())


def spawn_in_python(call: Any) -> asyncio.Task[Any]:
    # Tools that allow nested loops replace all tasks by this class.
    task: asyncio.Task[Any] = asyncio.tasks._PyTask(  # type: ignore[attr-defined]
        call, loop=asyncio.get_running_loop()
    )
    return task


WAYS: dict[str, Tasks] = {
    "asyncio": asyncio.create_task,
    "loop": spawn_by_loop,
    "constructor": spawn_by_constructor,
    "python": spawn_in_python,
}


@pytest.fixture(params=list(WAYS))
def spawn(request: pytest.FixtureRequest) -> Tasks:
    return WAYS[request.param]


def plain_factory(loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)


def eager_factory(loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
    # Some releases pass a choice of their own, which asyncio's own factory of 3.13.0 refuses.
    return asyncio.Task(coro, loop=loop, **{**options, "eager_start": True})  # type: ignore[call-arg]


FACTORIES: dict[str, Any] = {"plain": plain_factory}
if sys.version_info >= (3, 12):
    FACTORIES["eager"] = eager_factory


@pytest.fixture(params=list(FACTORIES))
async def task_factory(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(FACTORIES[request.param])
    yield request.param
    loop.set_task_factory(None)


async def test_it_is_a_future_and_no_coroutine() -> None:
    call = erlang.async_call("echo", 1)
    assert asyncio.isfuture(call)
    assert isinstance(call, asyncio.Future)
    assert inspect.isawaitable(call)
    assert not asyncio.iscoroutine(call)
    assert not inspect.iscoroutine(call)
    assert not isinstance(call, Coroutine)
    assert call.get_loop() is asyncio.get_running_loop()
    task = asyncio.create_task(call)
    assert await task == 1
    # A task that ran a call has not turned other calls into coroutines.
    assert not asyncio.iscoroutine(call)


async def test_it_is_waited_for() -> None:
    calls = [erlang.async_call("echo", number) for number in range(3)]
    done, pending = await asyncio.wait(calls)
    assert (done, pending) == (set(calls), set())
    assert [call.result() for call in calls] == [0, 1, 2]


async def test_the_first_one_is_waited_for_among_tasks_and_futures(tag: str) -> None:
    waiting = erlang.async_call("wait_forever", tag)
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(asyncio.sleep(60))
    quick = erlang.async_call("echo", 1)
    every: set[asyncio.Future[Any]] = {waiting, future, task, quick}
    done, pending = await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
    assert (done, pending) == ({quick}, every - {quick})
    for other in pending:
        other.cancel()
    done, pending = await asyncio.wait(pending, timeout=30)
    assert (len(done), pending) == (3, set())


async def test_a_wait_that_times_out_cancels_nothing(tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    assert await asyncio.wait([call], timeout=0) == (set(), {call})
    await erlang.async_call("release", pid, "after all")
    assert await call == "after all"


async def test_the_first_failure_is_waited_for(tag: str) -> None:
    waiting = erlang.async_call("wait_forever", tag)
    failing = erlang.async_call("fail_with", "reason")
    done, pending = await asyncio.wait(
        [waiting, failing], return_when=asyncio.FIRST_EXCEPTION, timeout=30
    )
    assert (done, pending) == ({failing}, {waiting})
    assert isinstance(failing.exception(), erlang.Error)
    waiting.cancel()


TAKERS: dict[str, Callable[[asyncio.Future[Any]], Awaitable[Any]]] = {
    "gather": lambda future: asyncio.gather(future, future),
    "wait_for": lambda future: asyncio.wait_for(future, 30),
    "wait_for without a limit": lambda future: asyncio.wait_for(future, None),
    "shield": asyncio.shield,
    "ensure_future": asyncio.ensure_future,
    "wrap_future": asyncio.wrap_future,
    "as_completed": lambda future: next(iter(asyncio.as_completed([future]))),
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=list(TAKERS))
async def test_whatever_takes_a_future_takes_a_call(
    take: Callable[[asyncio.Future[Any]], Awaitable[Any]],
) -> None:
    plain = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(plain.set_result, 7)
    assert await take(erlang.async_call("echo", 7)) == await take(plain)


async def test_it_is_its_own_future() -> None:
    call = erlang.async_call("echo", 1)
    assert asyncio.ensure_future(call) is call
    assert asyncio.wrap_future(call) is call
    assert await call == 1


@pytest.mark.parametrize(
    "refused",
    [
        lambda it: asyncio.run_coroutine_threadsafe(it, it.get_loop()),
        lambda it: asyncio.Runner().run(it),
        lambda it: asyncio.wait(it),
    ],
)
async def test_what_takes_no_future_takes_no_call(refused: Callable[[Any], Any]) -> None:
    future = asyncio.get_running_loop().create_future()
    call = erlang.async_call("echo", 1)
    errors = []
    for it in (future, call):
        with pytest.raises((TypeError, ValueError, RuntimeError)) as raised:
            await refused(it)
        errors.append(raised.type)
    assert errors[0] is errors[1]
    future.cancel()
    await call


def test_a_loop_is_run_until_a_call_ends(loop_factory: LoopFactory) -> None:
    loop = loop_factory()
    try:

        async def start() -> list[asyncio.Future[int]]:
            return [erlang.async_call("double_it", 21)]

        (call,) = loop.run_until_complete(start())
        assert loop.run_until_complete(call) == 42
    finally:
        loop.close()


async def test_a_task_runs_a_call(spawn: Tasks) -> None:
    assert await spawn(erlang.async_call("double_it", 21)) == 42
    assert await spawn(erlang.async_call("echo", (1, 2))) == (1, 2)
    with pytest.raises(erlang.Error, match="reason"):
        await spawn(erlang.async_call("fail_with", "reason"))
    ended = erlang.async_call("echo", 1)
    await ended
    assert await spawn(ended) == 1


async def test_several_tasks_run_one_call(spawn: Tasks, tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    tasks = [spawn(call) for _ in range(3)]
    pid = await erlang.async_call("await_published", tag, 5000)
    await erlang.async_call("release", pid, "released")
    assert await asyncio.gather(*tasks, call) == ["released"] * 4
    failing = erlang.async_call("fail_with", "reason")
    outcomes = await asyncio.gather(spawn(failing), spawn(failing), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [erlang.Error] * 2


async def test_cancelling_one_of_several_tasks_of_a_call_cancels_the_call(
    spawn: Tasks, tag: str
) -> None:
    call = erlang.async_call("wait_forever", tag)
    tasks = [spawn(call) for _ in range(2)]
    await erlang.async_call("await_published", tag, 5000)
    tasks[0].cancel()
    outcomes = await asyncio.gather(*tasks, call, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3


def test_the_first_call_of_a_loop_may_be_a_tasks(loop_factory: LoopFactory) -> None:
    async def main() -> object:
        # The method exists before the loop has called Erlang.
        return await asyncio.get_running_loop().create_task(erlang.async_call("double_it", 21))

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(main()) == 42


async def test_task_factories_get_calls(task_factory: str) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(erlang.async_call("double_it", 21), name="doubling")
    assert (first.result(), first.get_name()) == (42, "doubling")
    ended = erlang.async_call("echo", 1)
    await ended
    second = asyncio.create_task(ended)
    assert second.done() is (task_factory != "plain")
    assert await second == 1


async def test_cancelling_a_task_stops_the_process(spawn: Tasks, tag: str) -> None:
    task = spawn(erlang.async_call("wait_forever", tag))
    pid = await erlang.async_call("await_published", tag, 5000)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await erlang.async_call("await_end", pid, 5000)


async def test_cancelling_a_task_before_its_first_step_stops_the_process(
    spawn: Tasks, tag: str
) -> None:
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    task = spawn(call)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.cancelled()
    assert await erlang.async_call("await_end", pid, 5000)


async def test_a_task_of_a_call_has_a_text_at_any_time(spawn: Tasks, tag: str) -> None:
    task = spawn(erlang.async_call("wait_forever", tag))
    assert "coro=<erlang.async_call()>" in repr(task)
    pid = await erlang.async_call("await_published", tag, 5000)
    assert "coro=<erlang.async_call()> wait_for=<" in repr(task)
    assert task.get_stack() == []
    await erlang.async_call("release", pid, "released")
    await task
    assert "result='released'" in repr(task)


async def test_tasks_of_coroutines_keep_their_text() -> None:
    async def named() -> None:
        pass

    task = asyncio.create_task(named())
    assert "named() running at " in repr(task)
    await task


async def test_a_loop_that_looks_for_mistakes_runs_calls() -> None:
    asyncio.get_running_loop().set_debug(True)
    call = erlang.async_call("echo", 1)
    assert await asyncio.wait([call]) == ({call}, set())
    assert await asyncio.create_task(erlang.async_call("double_it", 21)) == 42


async def test_a_task_group_that_ends_refuses_a_call(tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    async with asyncio.TaskGroup() as group:
        pass
    with pytest.raises(RuntimeError, match="is finished"):
        group.create_task(call)
    # From 3.13 on, task groups close an awaitable that they refuse.
    assert call.cancelled() is (sys.version_info >= (3, 13))
    call.cancel()
    assert await erlang.async_call("await_end", pid, 5000)


async def test_closing_a_call_stops_the_process(tag: str) -> None:
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    call.close()
    assert call.cancelled()
    assert await erlang.async_call("await_end", pid, 5000)
    ended = erlang.async_call("echo", 1)
    await ended
    ended.close()
    assert ended.result() == 1


async def test_calls_within_cancel_scopes_of_anyio(tag: str) -> None:
    with anyio.fail_after(30):
        assert await erlang.async_call("double_it", 21) == 42
    call = erlang.async_call("wait_forever", tag)
    pid = await erlang.async_call("await_published", tag, 5000)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await call
    assert call.cancelled()
    assert await erlang.async_call("await_end", pid, 5000)
    results: list[int] = []

    async def one(number: int) -> None:
        results.append(await erlang.async_call("double_it", number))

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(one, number)
    assert sorted(results) == [0, 2, 4]


async def test_an_executors_result_and_a_call_are_waited_for_together() -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        futures: Iterable[asyncio.Future[Any]] = [
            erlang.async_call("double_it", 1),
            loop.run_in_executor(pool, erlang.call, "double_it", 2),
            asyncio.wrap_future(pool.submit(erlang.call, "double_it", 3)),
        ]
        done, _ = await asyncio.wait(futures)
    assert sorted(future.result() for future in done) == [2, 4, 6]


def test_names_of_tasks_begin_as_ever(node: Node) -> None:
    code = (
        "import asyncio, erlang\n"
        "async def main(): print(asyncio.current_task().get_name(), len(asyncio.all_tasks()))\n"
        "asyncio.run(main())"
    )
    done = node.run("-c", code)
    plain = subprocess.run(
        [sys.executable, "-c", code.replace(", erlang", "")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (plain.stdout, "")
