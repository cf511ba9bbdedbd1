# SPDX-License-Identifier: Apache-2.0
"""Lets asyncio's tasks run objects for which `asyncio.iscoroutine` is false.

A call is a future. `asyncio.wait` refuses coroutines, so a call must not be one. `create_task`
only takes coroutines. Both ask `iscoroutine`, and asyncio has no public hook between them. A task
uses the `__next__` and `throw` of its object, and a task group uses `close`. With a `send` the
object would be a coroutine.

Only this file uses private names of asyncio. If a later CPython lacks one of them, tasks refuse
calls and everything else works; `test_call_as_future.py` fails then.
"""

import asyncio
import contextlib
from asyncio import coroutines, tasks
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class _NoLoop:
    """The parts of a loop that a new task and its future use. Nothing runs."""

    def get_debug(self) -> bool:
        return False

    def call_soon(self, *_: object, **__: object) -> None:
        pass


class _Steps(Coroutine[Any, Any, Any]):
    """The coroutine that a task written in Python runs in place of a call."""

    __slots__ = ("_taken",)

    def __init__(self, taken: Any) -> None:
        self._taken = taken

    def send(self, _: object) -> Any:
        return next(self._taken)

    def throw(self, *error: Any) -> Any:
        return self._taken.throw(*error)

    def close(self) -> None:
        self._taken.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._taken.__await__()  # type: ignore[no-any-return]


def let_tasks_take(cls: type[asyncio.Future[Any]], shown: str) -> None:
    """Make tasks take instances of `cls`, and show them as `shown` in their text."""
    # The import of this package must not fail if asyncio has other internals.
    with contextlib.suppress(Exception):
        _let_native_tasks_take(cls)
        _let_python_tasks_take(cls)
        _show_in_tasks(cls, shown)


def _let_native_tasks_take(cls: type[asyncio.Future[Any]]) -> None:
    """Makes `_asyncio` remember `cls` among the types that `iscoroutine` accepts.

    `_asyncio` does not ask again for such a type. One task is made while the answer is yes.
    """
    from _asyncio import Task

    types = coroutines._iscoroutine_typecache  # type: ignore[attr-defined]
    loop: Any = _NoLoop()
    types.add(cls)
    try:
        # The name keeps asyncio's own names starting with Task-1.
        task: Any = Task(cls(loop=loop), loop=loop, name="none")  # type: ignore[arg-type]
        task._log_destroy_pending = False
    finally:
        types.discard(cls)


def _let_python_tasks_take(cls: type[asyncio.Future[Any]]) -> None:
    """For tools that nest loops, such as some debuggers: they replace all tasks by this class."""
    python_task: Any = tasks._PyTask  # type: ignore[attr-defined]
    begin: Callable[..., None] = python_task.__init__

    def begin_task(self: Any, coro: Any, **options: Any) -> None:
        begin(self, _Steps(coro) if isinstance(coro, cls) else coro, **options)

    python_task.__init__ = begin_task


def _show_in_tasks(cls: type[asyncio.Future[Any]], shown: str) -> None:
    """A task's text asserts that its object is a coroutine."""
    others: Callable[[object], str] = coroutines._format_coroutine  # type: ignore[attr-defined]

    def _format_coroutine(coro: object) -> str:
        return shown if isinstance(coro, (cls, _Steps)) else others(coro)

    coroutines._format_coroutine = _format_coroutine  # type: ignore[attr-defined]
