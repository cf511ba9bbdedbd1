# SPDX-License-Identifier: Apache-2.0
"""The loops that a request runs after its interruption, e.g. while `asyncio.run` ends its loop.

`asyncio.run` waits for the threads of the loop's default executor, and for tasks that are to end.
Neither may keep the request's thread for ever.
"""

import asyncio
import gc
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import _erlang
from erlang._errors import Interrupted

# Seconds that a loop has if the request was interrupted for the second time before the loop began.
_TO_END = 1.0


class _Here(threading.local):
    limit: asyncio.TimerHandle | None = None


_here = _Here()


def begins(loop: asyncio.AbstractEventLoop) -> None:
    """The calling thread begins to run the loop."""
    times = _erlang.times_interrupted()
    if times > 0:
        # When this runs, the coroutine that ends the executor has begun.
        loop.call_soon(lambda: interrupt_executor(loop, insisting=False))
    if times > 1:
        _here.limit = loop.call_later(_TO_END, _interrupt, loop)


def ends() -> None:
    """The calling thread no longer runs its loop."""
    if _here.limit is not None:
        _here.limit.cancel()
        _here.limit = None


def _interrupt(loop: asyncio.AbstractEventLoop) -> None:
    interrupt_executor(loop, insisting=True)
    raise Interrupted


def interrupt_executor(loop: asyncio.AbstractEventLoop, *, insisting: bool) -> None:
    """Interrupts the threads of the loop's default executor, if the loop waits for their end.

    ``insisting``: in any case. An exception leaves the loop, which may then be closed at once.
    """
    # uvloop does not show whether the loop waits.
    if insisting or getattr(loop, "_executor_shutdown_called", True):
        for thread in _threads_of_executor(loop):
            # A thread that lives after the question had its ident when the question was asked.
            known = None if thread.ident is None else _erlang.thread_of_ident(thread.ident)
            if known is not None and thread.is_alive():
                _erlang.interrupt_thread(known, insisting)


def _threads_of_executor(loop: asyncio.AbstractEventLoop) -> Iterable[threading.Thread]:
    shown = getattr(loop, "_default_executor", None)
    # uvloop does not show its executor, but refers to it.
    for executor in [shown] if shown is not None else gc.get_referents(loop):
        if isinstance(executor, ThreadPoolExecutor):
            yield from tuple(executor._threads)
