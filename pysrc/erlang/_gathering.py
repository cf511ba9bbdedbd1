# SPDX-License-Identifier: Apache-2.0
"""Runs ``py_loop:call``, ``py:async_call`` and ``py:async_gather`` in a loop."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

from erlang._cancellations import SHARE, Cancellations
from erlang._containment import contained
from erlang._namespace import Invocation


async def run_any(invocation: Invocation) -> object:
    """The value of a coroutine function, or of a plain function, which is called at once."""
    value = invocation.invoke()
    return await value if inspect.isawaitable(value) else value


async def gather(calls: Sequence[tuple[Any, ...]]) -> list[object]:
    """Runs all concurrently; returns the values in order. The first exception cancels the rest.

    Each of ``calls`` has the parts of an `Invocation`.
    """
    tasks: list[asyncio.Task[object]] = []
    try:
        for call in calls:
            tasks.append(asyncio.create_task(contained(run_any, Invocation(*call))))
            if len(tasks) % SHARE == 0:
                await asyncio.sleep(0)  # lets other callbacks run
        gathered = asyncio.gather(*tasks)
        gathered.add_done_callback(_look_at_exception)
        # Do not await the gather directly: its cancellation would cancel all tasks in one turn.
        await asyncio.wait([gathered])
        return gathered.result()
    except BaseException:
        cancellations = Cancellations(asyncio.get_running_loop())
        for task in tasks:
            cancellations.add(task)
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _look_at_exception(gathered: asyncio.Future[list[object]]) -> None:
    """Reads the exception: asyncio would report one that came after the cancellation."""
    if not gathered.cancelled():
        gathered.exception()
