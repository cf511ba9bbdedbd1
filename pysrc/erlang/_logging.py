# SPDX-License-Identifier: Apache-2.0
"""Sends output, `logging` and `warnings` to Erlang's logger. py_logger is the other half."""

import logging
import os
import sys
from functools import partial
from typing import cast

import _erlang
from erlang import _uncaught
from erlang._line_stream import LineStream
from erlang._outbox import Batch, Line, Outbox, as_utf8

# The levels of the two streams, as `logging` counts. They are Erlang's notice and warning, which
# Erlang shows by default.
STDOUT_LEVEL = 25
STDERR_LEVEL = logging.WARNING


class ErlangHandler(logging.Handler):
    """Hands records over without a lock.

    Formatting a record may run code of the program. That code may call Erlang, which may call
    Python on another thread. With a lock held, that thread could not log, and all of them would
    wait for ever.
    """

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def createLock(self) -> None:  # noqa: N802 - the name that logging calls
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        passed: object = self.filter(record)
        if isinstance(passed, logging.LogRecord):  # from Python 3.12 on
            record = passed
        if passed:
            self.emit(record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._outbox.put(_line(record, self.format(record)))
        except Exception:
            self.handleError(record)


class Redirection:
    """The replaced objects, and how to restore them."""

    def __init__(self, outbox: Outbox, level: int) -> None:
        self._handler = ErlangHandler(outbox)
        self._stdout = LineStream("stdout", STDOUT_LEVEL, outbox, sys.stdout)
        self._stderr = LineStream("stderr", STDERR_LEVEL, outbox, sys.stderr)
        sys.stdout, sys.stderr = self._stdout, self._stderr
        root = logging.getLogger()
        root.addHandler(self._handler)
        # Only if nobody has set a level: Python then logs everything that Erlang lets pass.
        self._level = level if root.level == logging.WARNING else None
        if self._level is not None:
            root.setLevel(self._level)
        logging.captureWarnings(True)
        _uncaught.install()

    def flush(self) -> None:
        self._stdout.flush_all_threads()
        self._stderr.flush_all_threads()

    def undo(self) -> None:
        _uncaught.uninstall()
        logging.captureWarnings(False)
        root = logging.getLogger()
        root.removeHandler(self._handler)
        if self._level is not None and root.level == self._level:
            root.setLevel(logging.WARNING)
        # If other code has replaced the stream, its stream stays.
        stdout, stderr = self._stdout.replace(), self._stderr.replace()
        if sys.stdout is self._stdout:
            sys.stdout = cast(LineStream, stdout)
        if sys.stderr is self._stderr:
            sys.stderr = cast(LineStream, stderr)


_outbox = Outbox()
_redirection: Redirection | None = None


def install(level: int, reader: _erlang.Pid) -> int:
    """Redirects the output. A second call, after a restart of the reader, changes only the reader.

    ``level`` is the lowest level, as `logging` counts, that Erlang's logger lets pass. The process
    ``reader`` gets the message ``lines`` when there are lines to `take`. Returns the number of
    lines before this call that were taken or dropped.
    """
    global _redirection
    taken = _outbox.attach(partial(_erlang.lines_ready, reader))
    if _redirection is None:
        _redirection = Redirection(_outbox, level)
    return taken


def is_installed() -> bool:
    """Whether records and lines go to Erlang's logger."""
    return _redirection is not None


def uninstall() -> None:
    """Undoes the redirection. Lines that were written until now can still be taken."""
    global _redirection
    redirection, _redirection = _redirection, None
    if redirection is not None:
        redirection.flush()
        redirection.undo()


def take() -> Batch:
    """The next lines. The reader gets the message again when there are more."""
    return _outbox.take()


def take_rest() -> Batch:
    """The next lines, also the incomplete lines of all threads."""
    if _redirection is not None:
        _redirection.flush()
    return _outbox.take()


def _line(record: logging.LogRecord, text: str) -> Line:
    return Line(
        int(record.levelno),
        as_utf8(record.name),
        as_utf8(text.rstrip("\n")),
        int(record.created * 1_000_000),
        as_utf8(record.threadName or ""),
        (as_utf8(record.pathname), int(record.lineno), as_utf8(record.funcName)),
    )


def _after_fork_in_child() -> None:
    """Nobody fetches lines from the child, so it writes where the node does."""
    global _redirection
    if _redirection is not None:
        _redirection.undo()
        _redirection = None


os.register_at_fork(after_in_child=_after_fork_in_child)
