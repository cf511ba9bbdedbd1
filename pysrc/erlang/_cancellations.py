# SPDX-License-Identifier: Apache-2.0
"""Cancels the tasks of one loop, a share of them in each turn of the loop."""

import asyncio
import contextlib
from collections import deque
from typing import Any

# The number of tasks that a loop starts or cancels for Erlang before its other callbacks run. A
# cancelled task must clean up, which costs more than the cancellation.
SHARE = 256


class Cancellations:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: deque[asyncio.Task[Any]] = deque()
        self._is_due = False

    def add(self, task: asyncio.Task[Any]) -> None:
        """Any thread. Tasks are cancelled in order."""
        self._tasks.append(task)
        # If a turn is scheduled already, that turn cancels the task.
        if not self._is_due:
            self._is_due = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._cancel_share)

    def _cancel_share(self) -> None:
        # First: a task that is added from here on either finds a turn scheduled or schedules one.
        self._is_due = False
        for _ in range(min(SHARE, len(self._tasks))):
            self._tasks.popleft().cancel()
        if self._tasks:
            self._is_due = True
            self._loop.call_soon(self._cancel_share)
