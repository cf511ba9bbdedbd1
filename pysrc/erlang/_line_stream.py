# SPDX-License-Identifier: Apache-2.0
"""``sys.stdout`` and ``sys.stderr`` as streams of whole lines for Erlang's logger."""

import codecs
import io
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from erlang._outbox import Line, Outbox, as_utf8

_make_decoder = codecs.getincrementaldecoder("utf-8")


class LineStream(io.TextIOBase):
    """Collects the text of each thread up to the end of a line, then puts the line in the outbox.

    A newline, ``flush()`` and the end of the thread end a line. So does a carriage return within a
    line: each state of a progress bar is a line of its own.
    """

    encoding = "utf-8"
    errors = "backslashreplace"
    mode = "w"
    line_buffering = True
    # A thread's text without a newline becomes a line after this number of characters.
    LONGEST = 1024 * 1024

    def __init__(self, name: str, level: int, outbox: Outbox, original: TextIO | None) -> None:
        self.name = f"<{name}>"
        self.buffer = _ByteStream(self)
        self._logger = name
        self._level = level
        self._outbox = outbox
        self._original = original
        self._active = True
        self._own = threading.local()
        # The partial lines of all threads, for the exit. Each thread holds its own.
        self._partials: dict[int, weakref.ref[_Partial]] = {}

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not self._active:
            return 0 if self._original is None else self._original.write(text)
        partial = self._partial()
        complete, newline, rest = text.rpartition("\n")
        if newline:
            for line in (partial.take() + complete).split("\n"):
                self._put(line, partial.thread)
        if rest:
            partial.add(rest)
            if partial.size > self.LONGEST:
                partial.end()
        return len(text)

    def write_bytes(self, data: Any, /) -> int:
        """For the binary layer. A character may come in several pieces."""
        data = bytes(data)
        self.write(self._partial().decode(data))
        return len(data)

    def flush(self) -> None:
        """Ends the current line of the calling thread."""
        if self._active:
            self._partial().end()
        elif self._original is not None:
            self._original.flush()

    def flush_all_threads(self) -> None:
        for reference in list(self._partials.values()):
            partial = reference()
            if partial is not None:
                partial.end()

    def replace(self) -> TextIO | None:
        """From now on passes everything to the original stream, and returns that stream."""
        self._active = False
        return self._original

    def close(self) -> None:
        """Does nothing: the process's output stays open."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        """The node's own descriptor. Processes that inherit it write past the logger."""
        if self._original is None:
            raise io.UnsupportedOperation("fileno")
        return self._original.fileno()

    def reconfigure(self, **_options: object) -> None:
        """Accepts the settings that programs make on a standard stream, and changes nothing."""

    def _put(self, line: str, thread: str) -> None:
        parts = [part for part in line.split("\r") if part] if "\r" in line else [line]
        now = time.time_ns() // 1000
        for part in parts or [""]:
            self._outbox.put(Line(self._level, self._logger, as_utf8(part), now, thread, None))

    def _partial(self) -> "_Partial":
        try:
            partial: _Partial = self._own.partial
        except AttributeError:
            thread = as_utf8(threading.current_thread().name)
            partial = self._own.partial = _Partial(self._put, self._partials, thread)
        return partial


class _Partial:
    """The text of one thread since its last line. At the exit, other threads may take it."""

    def __init__(
        self,
        put: Callable[[str, str], None],
        registry: "dict[int, weakref.ref[_Partial]]",
        thread: str,
    ) -> None:
        self.thread = thread
        self.size = 0
        self._put = put
        self._registry = registry
        self._parts: deque[str] = deque()
        self._decoder: codecs.IncrementalDecoder | None = None
        registry[id(self)] = weakref.ref(self)

    def __del__(self) -> None:
        self._registry.pop(id(self), None)
        self.end()

    def add(self, text: str) -> None:
        self._parts.append(text)
        self.size += len(text)

    def take(self) -> str:
        # One by one: a piece that is added meanwhile is either taken or stays.
        parts = []
        while self._parts:
            parts.append(self._parts.popleft())
        self.size = 0
        return "".join(parts)

    def end(self) -> None:
        """Makes the text a line, if there is any."""
        text = self.take()
        if self._decoder is not None:
            text += self._decoder.decode(b"", final=True)
        if text.strip("\r"):
            self._put(text, self.thread)

    def decode(self, data: bytes) -> str:
        if self._decoder is None:
            self._decoder = _make_decoder("backslashreplace")
        return self._decoder.decode(data)


class _ByteStream(io.BufferedIOBase):
    """``sys.stdout.buffer``."""

    def __init__(self, stream: LineStream) -> None:
        # A weak reference: the stream owns this object.
        self._stream = weakref.proxy(stream)

    def write(self, data: Any, /) -> int:
        return int(self._stream.write_bytes(data))

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Does nothing: the output stays open."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._stream.fileno())
