# SPDX-License-Identifier: Apache-2.0
"""Calls use no exceptions: code around a call that catches everything sees none."""

import asyncio
import functools
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import pytest

import erlang

pytestmark = pytest.mark.channel


class Middleware:
    """Record the exceptions that pass through the wrapped functions, and let them go on."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []
        self.entered = 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: object) -> Any:
            self.entered += 1
            try:
                return function(*args)
            except BaseException as error:
                self.seen.append(error)
                raise

        return wrapper

    def around_async(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: object) -> Any:
            self.entered += 1
            try:
                return await function(*args)
            except BaseException as error:
                self.seen.append(error)
                raise

        return wrapper


def test_a_call_passes_through_unseen() -> None:
    middleware = Middleware()
    work = middleware.around(lambda value: erlang.call("add", value, 1))
    assert [work(n) for n in range(100)] == list(range(1, 101))
    assert middleware.seen == []
    assert middleware.entered == 100


def test_a_call_in_a_context_passes_through_unseen() -> None:
    assert erlang.call("py_call_elsewhere", __name__, "guarded", [20]) == [40, 20, []]


def guarded(count: int) -> list[object]:
    """Also for a context. Other bridges replay the whole function there for each call."""
    middleware = Middleware()
    effects = 0

    @middleware.around
    def step() -> int:
        nonlocal effects
        effects += 1
        return int(erlang.call("double_it", 1))

    total = sum(step() for _ in range(count))
    return [total, effects, [repr(error) for error in middleware.seen]]


async def test_an_async_call_passes_through_unseen() -> None:
    middleware = Middleware()

    @middleware.around_async
    async def work(value: int) -> Any:
        return await erlang.async_call("add", value, 1)

    assert await asyncio.gather(*map(work, range(100))) == list(range(1, 101))
    assert middleware.seen == []
    assert middleware.entered == 100


async def test_only_the_failure_itself_is_seen() -> None:
    middleware = Middleware()

    @middleware.around_async
    async def work() -> Any:
        return await erlang.async_call("fail_with", "reason")

    with pytest.raises(erlang.Error):
        await work()
    assert [type(error) for error in middleware.seen] == [erlang.Error]


def test_side_effects_before_a_call_happen_once() -> None:
    effects = []
    for number in range(50):
        effects.append(number)
        assert erlang.call("echo", number) == number
    assert effects == list(range(50))


def test_nothing_is_raised_inside_of_a_call() -> None:
    """Not even a caught exception: a profiler or debugger would see it."""
    raised: list[str] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            raised.append(f"{frame.f_code.co_filename}: {argument[0].__name__}")
        return trace

    def work() -> None:
        sys.settrace(trace)
        try:
            for _ in range(10):
                erlang.call("add_one", 1)
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert raised == []
