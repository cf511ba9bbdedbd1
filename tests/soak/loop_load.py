# SPDX-License-Identifier: Apache-2.0
"""Calls that suspend a task: `erlang.async_call` in all its ways, on asyncio and uvloop."""

import asyncio
import contextlib
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

import uvloop
from ledger import Ending, Ledger
from thread_load import payload

import erlang

KINDS = (
    "await gather task_group as_completed loop_timeout wait_for cancelled shielded loop_failing"
    " loop_killed loop_unregistered loop_payload loop_function to_thread blocking_in_loop"
    " handler_killed"
).split()

Act = Callable[["LoopLoad"], Coroutine[Any, Any, None]]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

FACTORIES: tuple[LoopFactory, ...] = (asyncio.new_event_loop, uvloop.new_event_loop)

_echo = erlang.function("soak_echo")

# The end of a call that raised the expected exception.
_ENDED = {
    erlang.Error: Ending.FAILED,
    erlang.Disconnected: Ending.FAILED,
    erlang.UndefinedFunction: Ending.REFUSED,
    erlang.Timeout: Ending.UNSURE,
    TimeoutError: Ending.UNSURE,
    asyncio.CancelledError: Ending.UNSURE,
}


class LoopLoad:
    """The work of one task of one loop."""

    def __init__(self, ledger: Ledger, random: Random) -> None:
        self.ledger = ledger
        self.random = random

    async def act_each(self) -> None:
        """Perform each act once, in any order."""
        for act in self.random.sample(_ACTS, len(_ACTS)):
            await act(self)

    async def act(self) -> None:
        await self.random.choices(_ACTS, _WEIGHTS)[0](self)

    async def expect(
        self, kind: str, call: Callable[[int], Awaitable[object]], values: tuple[object, ...] = ()
    ) -> None:
        token = self.ledger.begin(kind)
        try:
            result = await call(token)
        except Exception as error:
            self.ledger.end_wrong(kind, token, error)
            return
        self.judge(kind, token, result, values)

    def judge(self, kind: str, token: int, result: object, values: tuple[object, ...] = ()) -> None:
        if result == [token, *values]:
            self.ledger.end(kind, token, Ending.VALUE)
        else:
            self.ledger.end_wrong(kind, token, result)

    async def expect_error(
        self, kind: str, error: type[BaseException], call: Callable[[int], Awaitable[object]]
    ) -> None:
        token = self.ledger.begin(kind)
        try:
            result = await call(token)
        except (erlang.Error, TimeoutError, asyncio.CancelledError) as caught:
            self.judge_error(kind, token, error, caught)
        else:
            self.ledger.end_wrong(kind, token, result)

    def judge_error(
        self, kind: str, token: int, error: type[BaseException], caught: object
    ) -> None:
        right = type(caught) is error
        if right and isinstance(caught, erlang.Error) and error is erlang.Error:
            right = caught.reason == ("soak", token)
        if right:
            self.ledger.end(kind, token, _ENDED[error])
        else:
            self.ledger.end_wrong(kind, token, caught)

    async def sequential(self) -> None:
        for _ in range(self.random.randint(1, 50)):
            await self.expect("await", lambda token: erlang.async_call("soak_echo", token))

    async def gather(self) -> None:
        count = self.random.choice([10, 100, 300, 1000])
        first = self.ledger.begin("gather", count)
        tokens = range(first, first + count)
        calls = [erlang.async_call("soak_echo", token) for token in tokens]
        results = await asyncio.gather(*calls, return_exceptions=True)
        if results == [[token] for token in tokens]:
            self.ledger.end("gather", first, Ending.VALUE, count)
        else:
            for token, result in zip(tokens, results, strict=True):
                self.judge("gather", token, result)

    async def task_group(self) -> None:
        first = self.ledger.begin("task_group", 20)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(erlang.async_call("soak_echo", token))
                for token in range(first, first + 20)
            ]
        for token, task in enumerate(tasks, first):
            self.judge("task_group", token, task.result())

    async def as_completed(self) -> None:
        first = self.ledger.begin("as_completed", 20)
        calls = [erlang.async_call("soak_echo", token) for token in range(first, first + 20)]
        results = [await call for call in asyncio.as_completed(calls)]
        for token, result in enumerate(sorted(results), first):
            self.judge("as_completed", token, result)

    async def timeout(self) -> None:
        name = self.random.choice(["soak_sleep"] * 7 + ["soak_trap"])
        seconds = self.random.uniform(0.0, 0.01)
        await self.expect_error(
            "loop_timeout",
            erlang.Timeout,
            lambda token: erlang.async_call(name, token, 60_000, timeout=seconds),
        )

    async def wait_for(self) -> None:
        seconds = self.random.uniform(0.0, 0.01)

        async def limited(token: int) -> object:
            async with asyncio.timeout(seconds):
                return await erlang.async_call("soak_sleep", token, 60_000)

        ways: list[Callable[[int], Awaitable[object]]] = [
            limited,
            lambda token: asyncio.wait_for(erlang.async_call("soak_sleep", token, 60_000), seconds),
        ]
        await self.expect_error("wait_for", TimeoutError, self.random.choice(ways))

    async def cancelled(self) -> None:
        """Cancel some calls at once, some in progress, some at their end; none by its function."""
        count = self.random.randint(1, 50)
        first = self.ledger.begin("cancelled", count)
        calls = [
            erlang.async_call("soak_sleep", token, 60_000) for token in range(first, first + count)
        ]
        gathered = asyncio.gather(*calls, return_exceptions=True)
        if self.random.random() < 0.7:
            await asyncio.sleep(self.random.uniform(0.0, 0.003))
        if self.random.random() < 0.5:
            gathered.cancel()
        else:
            for call in calls:
                call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gathered
        for token, call in enumerate(calls, first):
            caught = asyncio.CancelledError() if call.cancelled() else call
            self.judge_error("cancelled", token, asyncio.CancelledError, caught)

    async def shielded(self) -> None:
        """Cancel the awaiting task; the call itself goes on."""
        token = self.ledger.begin("shielded")
        call = erlang.async_call("soak_echo", token)
        outer = asyncio.shield(call)
        outer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await outer
        self.judge("shielded", token, await call)

    async def failing(self) -> None:
        await self.expect_error(
            "loop_failing", erlang.Error, lambda token: erlang.async_call("soak_fail", token)
        )

    async def killed(self) -> None:
        await self.expect_error(
            "loop_killed", erlang.Disconnected, lambda token: erlang.async_call("soak_kill", token)
        )

    async def unregistered(self) -> None:
        await self.expect_error(
            "loop_unregistered",
            erlang.UndefinedFunction,
            lambda token: erlang.async_call("soak_no_such_function", token),
        )

    async def payload(self) -> None:
        data = payload(self.random, self.random.randrange(1 << 50))
        await self.expect(
            "loop_payload",
            lambda token: erlang.async_call("soak_echo", token, data, binaries="bytes"),
            (data,),
        )

    async def function(self) -> None:
        data = {"ü": [None, 1.5, True]}
        await self.expect("loop_function", lambda token: _echo.aio(token, data), (data,))

    async def to_thread(self) -> None:
        """Call from the loop's own executor and its threads."""
        await asyncio.gather(
            *(
                self.expect(
                    "to_thread",
                    lambda token: asyncio.to_thread(erlang.call, "soak_echo", token),
                )
                for _ in range(5)
            )
        )

    async def blocking(self) -> None:
        async def call(token: int) -> object:
            return erlang.call("soak_echo", token)

        await self.expect("blocking_in_loop", call)

    async def handler_killed(self) -> None:
        """Kill a handler: all calls in flight on its loop end. This happens on a separate loop."""
        count = self.random.randint(2, 30)
        first = self.ledger.begin("handler_killed", count)
        calls = [
            erlang.async_call("soak_sleep", token, 60_000)
            for token in range(first, first + count - 1)
        ]
        calls.append(erlang.async_call("soak_kill_handler", first + count - 1))
        results = await asyncio.gather(*calls, return_exceptions=True)
        for token, result in enumerate(results, first):
            if isinstance(result, erlang.Disconnected):
                self.ledger.end("handler_killed", token, Ending.UNSURE)
            else:
                self.ledger.end_wrong("handler_killed", token, result)


_MENU: dict[Act, int] = {
    LoopLoad.sequential: 15,
    LoopLoad.gather: 40,
    LoopLoad.task_group: 10,
    LoopLoad.as_completed: 5,
    LoopLoad.timeout: 4,
    LoopLoad.wait_for: 4,
    LoopLoad.cancelled: 8,
    LoopLoad.shielded: 4,
    LoopLoad.failing: 10,
    LoopLoad.killed: 5,
    LoopLoad.unregistered: 5,
    LoopLoad.payload: 4,
    LoopLoad.function: 5,
    LoopLoad.to_thread: 3,
    LoopLoad.blocking: 2,
}
_ACTS = list(_MENU)
_WEIGHTS = list(_MENU.values())


def runner(factory: LoopFactory) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=factory)


def long_loop(ledger: Ledger, random: Random, stop: threading.Event, factory: LoopFactory) -> None:
    """Run one loop with some tasks that call until the load stops."""

    async def task() -> None:
        load = LoopLoad(ledger, Random(random.random()))
        await load.act_each()
        while not stop.is_set():
            await load.act()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(task())

    with runner(factory) as loop:
        loop.run(main())


def fresh_loops(ledger: Ledger, random: Random, stop: threading.Event) -> None:
    """Run new loops that make some calls and end."""
    load = LoopLoad(ledger, random)
    with runner(random.choice(FACTORIES)) as loop:
        loop.run(load.handler_killed())
    while not stop.is_set():
        with runner(random.choice(FACTORIES)) as loop:
            if random.random() < 0.2:
                loop.run(load.handler_killed())
            else:
                for _ in range(random.randint(1, 3)):
                    loop.run(load.act())


def ignore_expected_warnings() -> None:
    """One of the loads blocks its loop on purpose."""
    warnings.simplefilter("ignore", erlang.BlockingCallWarning)
