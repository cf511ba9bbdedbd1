# SPDX-License-Identifier: Apache-2.0
"""Log lines on their way from any Python thread to the one Erlang process that fetches them."""

import asyncio
import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

import _erlang


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
    number: int
    # The number of lines that were dropped since the last batch.
    dropped: int
    lines: list[Line]


class Outbox:
    """A bounded queue with one reader.

    ``put`` never waits for Erlang. If the queue is full, ``put`` gives the reader `PATIENCE` to
    make room. Then it drops lines and counts them, from then on at once until the reader has come.
    A thread that runs an event loop does not wait at all. Nothing here holds a lock while other
    code runs, so lines may come from signal handlers, destructors and callbacks.
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
        self._queue: SimpleQueue[Line | None] = SimpleQueue()
        # Guards the three numbers below. Nothing else happens under this lock.
        self._count = threading.Lock()
        self._lines = 0
        self._characters = 0
        self._dropped = 0
        self._reader_is_late = False
        self._reading = threading.Lock()
        # The number of the reader that came last.
        self._turn = object()
        self._batch = Batch(0, 0, [])

    def put(self, line: Line) -> None:
        """Any thread."""
        size = len(line.text)
        if self._reserve(size) or self._wait_for_room(size):
            self._queue.put(line)
        else:
            with self._count:
                self._dropped += 1

    def take(self, acknowledged: int, wait: bool) -> Batch:
        """Takes the next batch; or the last batch again, unless its number is ``acknowledged``.

        So no batch is lost if its reader dies before it has worked on the batch. Waits for a line,
        or until `wake`.
        """
        self._turn = turn = object()
        if not self._reading.acquire(blocking=False):
            self.wake()  # makes a reader whose process is dead give way
            self._reading.acquire()
        try:
            empty = not (self._batch.lines or self._batch.dropped)
            # A reader that was overtaken while it waited here must not wait for lines: another
            # reader may have got the wake-up that was meant for it.
            if turn is self._turn and (empty or self._batch.number == acknowledged):
                self._batch = self._next_batch(wait)
            return self._batch
        finally:
            self._reading.release()

    def wake(self) -> None:
        """Any thread: ends a take() that waits now or next."""
        self._queue.put(None)

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

    def _next_batch(self, wait: bool) -> Batch:
        lines: list[Line] = []
        characters = 0
        try:
            line = self._queue.get(block=wait)
            while line is not None:
                lines.append(line)
                characters += len(line.text)
                if len(lines) == self.BATCH_LINES or characters >= self.BATCH_CHARACTERS:
                    break
                line = self._queue.get_nowait()
        except Empty:
            pass
        with self._count:
            self._lines -= len(lines)
            self._characters -= characters
            dropped, self._dropped = self._dropped, 0
        self._reader_is_late = False
        return Batch(self._batch.number + 1, dropped, lines)


def take_for_erlang(outbox: Outbox, acknowledged: int) -> Batch:
    """Waits. Also ends when the Erlang process gives up the request or dies."""
    _erlang.on_interrupt(outbox.wake)
    return outbox.take(acknowledged, True)


def as_utf8(text: object) -> str:
    """Any text as exactly a ``str``, with lone surrogates written as ``\\udc80``."""
    if type(text) is not str:
        text = str(text)
    # The common case, which costs nothing.
    if type(text) is str and text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()
