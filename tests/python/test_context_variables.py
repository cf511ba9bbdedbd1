# SPDX-License-Identifier: Apache-2.0
"""Context variables of threads and tasks that call Erlang, which calls Python back."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from decimal import getcontext, localcontext

import pytest

import erlang

pytestmark = pytest.mark.channel

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Value:
    pass


user: ContextVar[str] = ContextVar("user", default="nobody")
held: ContextVar[Value | None] = ContextVar("held", default=None)


def exchange(value: str) -> str:
    before = user.get()
    user.set(value)
    return before


def precision() -> int:
    return getcontext().prec


def nested(function: Callable[..., object], *args: object) -> object:
    return erlang.call("py_call", __name__, function.__name__, [*args])


def test_a_nested_request_sees_the_waiting_threads_variables() -> None:
    def work() -> None:
        user.set("alice")
        seen.append((nested(exchange, "bob"), user.get()))
        with localcontext(prec=7):
            seen.append((nested(precision), precision()))

    seen: list[tuple[object, object]] = []
    thread = threading.Thread(target=copy_context().run, args=(work,))
    thread.start()
    thread.join()
    assert seen == [("alice", "alice"), (7, 7)]


def test_a_nested_request_sees_the_waiting_tasks_variables(loop_factory: LoopFactory) -> None:
    async def task(name: str) -> tuple[object, str, object]:
        user.set(name)
        await asyncio.sleep(0)
        on_loop = nested(exchange, "nested")
        in_thread = await asyncio.to_thread(nested, exchange, "nested")
        return on_loop, user.get(), in_thread

    async def main() -> list[tuple[object, str, object]]:
        return await asyncio.gather(*map(task, names))

    names = [f"user {number}" for number in range(20)]
    with (
        pytest.warns(erlang.BlockingCallWarning),
        asyncio.Runner(loop_factory=loop_factory) as runner,
    ):
        assert runner.run(main()) == [(name, name, name) for name in names]


def test_a_request_nested_in_an_awaited_call_sees_no_variables(loop_factory: LoopFactory) -> None:
    async def main() -> object:
        user.set("alice")
        return await erlang.async_call("py_call", __name__, "exchange", ["bob"])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(main()) == "nobody"


def test_another_processs_request_sees_nobodys_variables() -> None:
    def work() -> None:
        user.set("alice")
        seen.append(erlang.call("py_call_elsewhere", __name__, "exchange", ["bob"]))
        seen.append(erlang.call("py_call_elsewhere", __name__, "exchange", ["carol"]))

    seen: list[object] = []
    copy_context().run(work)
    assert seen == ["nobody", "nobody"]


def test_a_loop_keeps_no_variables_of_its_first_caller(loop_factory: LoopFactory) -> None:
    async def first() -> weakref.ref[Value]:
        value = Value()
        held.set(value)
        assert await erlang.async_call("echo", 1) == 1
        return weakref.ref(value)

    async def main() -> bool:
        value = await asyncio.create_task(first())
        assert await erlang.async_call("echo", 2) == 2
        gc.collect()
        return value() is None

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(main())


def test_what_follows_a_call_runs_in_its_tasks_context(loop_factory: LoopFactory) -> None:
    async def task(name: str) -> list[str]:
        user.set(name)
        seen = []
        call = erlang.async_call("echo", name)
        call.add_done_callback(lambda _: seen.append(user.get()))
        seen.append(await call)
        seen.append(user.get())
        return seen

    async def main() -> list[list[str]]:
        return await asyncio.gather(*map(task, names))

    names = [f"user {number}" for number in range(50)]
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(main()) == [[name] * 3 for name in names]
