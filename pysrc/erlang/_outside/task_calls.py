# SPDX-License-Identifier: Apache-2.0
"""Calls on which a task of this process works."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from erlang._call import Call
from erlang._errors import make_error


def start(work: Coroutine[Any, Any, Any], name: str, timeout: float | None) -> Call[Any]:
    """Starts the work of a call of the function ``name`` on the running loop."""
    loop = asyncio.get_running_loop()
    future: Call[Any] = Call(loop=loop)  # type: ignore[abstract]
    task = loop.create_task(work)
    future._channel = _Working(future, task, name)
    future._id = 0
    task.add_done_callback(lambda _: _settle(future, task))
    if timeout is not None:
        future._expire_after(timeout)
    return future


class _Working:
    """The channel of a call: ends its task if the call ends first."""

    def __init__(self, future: Call[Any], task: asyncio.Task[Any], name: str) -> None:
        self._future = future
        self._task = task
        self._name = name

    def forget(self, _: int) -> None:
        self._task.cancel()

    def expire(self, _: int, seconds: float) -> None:
        if not self._future.done():
            text = f"no reply within {seconds:g} s"
            self._future.set_exception(make_error("timeout", self._name, None, text, []))
        self._task.cancel()


def _settle(future: Call[Any], task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        future.cancel()
    elif error := task.exception():
        if not future.done():
            future.set_exception(error)
    elif not future.done():
        future.set_result(task.result())
