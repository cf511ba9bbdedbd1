# SPDX-License-Identifier: Apache-2.0
"""Log lines on their way from any Python thread to the one Erlang process that takes them."""

import asyncio
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple


class Line(NamedTuple):
    """One event for Erlang's logger. All texts can be encoded as UTF-8."""

    level: int
    logger: str
    text: str
    # Microseconds since 1970, by the system's clock.
    time: int
    thread: str
    # File, line and function.
    place: tuple[str, int, str] | None


class Batch(NamedTuple):
    # The number of lines before this batch, also of dropped lines.
    earlier: int
    # The number of lines that were dropped since the last batch.
    dropped: int
    lines: list[Line]


class Outbox:
    """A bounded queue with one reader, which is called when there are lines.

    ``put`` never waits for Erlang's log handlers. It has three modes, as these handlers have:

    - While there is room, ``put`` returns at once.
    - If the queue is full, ``put`` gives the reader `PATIENCE` to make room. A thread that runs an
      event loop does not wait.
    - If the reader is late, ``put`` drops lines and counts them, until the reader has come.

    Nothing here holds a lock while other code runs, so lines may come from signal handlers,
    destructors and callbacks.
    """

    MOST_LINES = 10_000
    MOST_CHARACTERS = 32 * 1024 * 1024
    BATCH_LINES = 1_000
    BATCH_CHARACTERS = 1024 * 1024
    # Seconds.
    PATIENCE = 0.1
    PAUSE = 0.001

    def __init__(self) -> None:
        # Works for writers that interrupt one another: put() may be called at any point of put().
        self._queue: SimpleQueue[Line] = SimpleQueue()
        # Guards the four numbers below. Nothing else happens under this lock.
        self._count = threading.Lock()
        self._lines = 0
        self._characters = 0
        self._dropped = 0
        self._taken = 0
        self._reader_is_late = False
        # Whether the next line calls the reader.
        self._reader_waits = False
        self._call: Callable[[], object] = lambda: None

    def attach(self, call: Callable[[], object]) -> int:
        """From now on ``call`` calls the reader. It must not run Python code.

        The new reader begins with a `take`. Returns the number of lines before this call.
        """
        self._reader_waits = False
        self._call = call
        return self._taken

    def put(self, line: Line) -> None:
        """Any thread."""
        size = len(line.text)
        if self._reserve(size) or self._wait_for_room(size):
            self._queue.put(line)
            self._call_reader()
        else:
            with self._count:
                self._dropped += 1

    def take(self) -> Batch:
        """Takes the next lines. Calls the reader when there are more: now, or at the next line."""
        # First, so that a line that comes too late for this batch calls the reader.
        self._reader_waits = True
        lines: list[Line] = []
        characters = 0
        try:
            while len(lines) < self.BATCH_LINES and characters < self.BATCH_CHARACTERS:
                line = self._queue.get_nowait()
                lines.append(line)
                characters += len(line.text)
            self._call_reader()
        except Empty:
            pass
        with self._count:
            self._lines -= len(lines)
            self._characters -= characters
            dropped, self._dropped = self._dropped, 0
            earlier = self._taken
            self._taken += len(lines) + dropped
        self._reader_is_late = False
        return Batch(earlier, dropped, lines)

    def _call_reader(self) -> None:
        if self._reader_waits:
            # Neither another thread nor an exception comes between these two statements: no
            # function begins or ends there, and no loop goes on.
            self._reader_waits = False
            self._call()

    def _reserve(self, size: int) -> bool:
        with self._count:
            fits = self._lines == 0 or (
                self._lines < self.MOST_LINES and self._characters + size <= self.MOST_CHARACTERS
            )
            if fits:
                self._lines += 1
                self._characters += size
            return fits

    def _wait_for_room(self, size: int) -> bool:
        if self._reader_is_late or asyncio._get_running_loop() is not None:
            return False
        deadline = time.monotonic() + self.PATIENCE
        while time.monotonic() < deadline:
            time.sleep(self.PAUSE)
            if self._reserve(size):
                return True
        self._reader_is_late = True
        return False


def as_utf8(text: object) -> str:
    """Any text as exactly a ``str``, with lone surrogates written as ``\\udc80``."""
    if type(text) is not str:
        text = str(text)
    # The common case, which costs nothing.
    if type(text) is str and text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()
