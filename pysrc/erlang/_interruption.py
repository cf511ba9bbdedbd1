# SPDX-License-Identifier: Apache-2.0
"""The policy of interruptions: where in its code a thread can bear an exception from outside.

CPython raises such an exception between any two instructions. Python code of the standard library
takes locks. An exception between the taking of a lock and the following ``try`` leaves the lock
held for ever. So the native side asks this module before it raises one; `Attempt.look` decides
where and when.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import _erlang
from erlang._code_places import (
    begins,
    calls_by_name,
    is_at_check,
    is_at_loop_head,
    is_calling,
    is_in_finally,
    is_returning,
    jumps_back,
    waits_safely,
    will_be_protected,
)

# Modules and packages of the standard library with Python code that takes locks, or keeps state
# that an exception at the wrong place would spoil.
LOCKING = frozenset(
    """
    _android_support _py_warnings _pyio _strptime _threading_local _weakrefset asyncio concurrent
    contextlib functools http imp importlib logging mailbox multiprocessing pdb profiling queue
    sched selectors socketserver subprocess sysconfig tempfile threading tkinter unittest weakref
    webbrowser xmlrpc zipfile
    """.split()
)
# Modules of this package with such code.
_OWN_LOCKING = frozenset({"_interruption", "_logging", "_loop_end", "_outbox", "_streams"})

# Functions that take or give back something, by convention. The first interruption skips them.
_CLEANING = frozenset(
    {"__enter__", "__exit__", "__aenter__", "__aexit__", "__del__", "acquire", "release"}
)

_PACKAGE = os.path.dirname(__file__) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = tuple(_LIBRARY + name + os.sep for name in ("site-packages", "dist-packages"))

# Seconds.
_SOON = 0.001
_LATER = 0.01
_LATEST = 0.25
# The time that a loop has to cancel its main task. Then the code of its thread is interrupted.
_FOR_LOOP = 0.05
# How long a thread may run code that can't bear an insisting interruption: seconds of the thread's
# own processor time. A thread that waits for its turn on a busy machine has not run on.
_PATIENCE = 0.5
# The same for the first interruption, in loops of the standard library without locks. That code
# returns soon.
_PATIENCE_WITH_LIBRARY = 0.05

# The kind of each file, by its name.
_kinds: dict[str, str] = {}
_MOST_KINDS = 4096

# The running loop of each thread.
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def do_nothing() -> None:
    """CPython raises a pending exception in this function."""


class Attempt:
    """An attempt to interrupt one thread."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._delay = _SOON
        self._place: tuple[FrameType | None, int] = (None, -1)
        self._used_at_first: float | None = None
        self._used_when_insisting: float | None = None
        self._ending: _LoopEnding | None = None

    def look(
        self, frame: FrameType | None, insisting: bool, watchable: bool
    ) -> tuple[bool, float, CodeType | None, bool]:
        """Whether the thread can be interrupted here and now, and the seconds until the next look.

        The third value is the innermost code that can bear the interruption, if it is to be watched
        until then. The fourth value says whether that code itself is running. If it is not, its
        loops do not go on either. A thread that others trace or profile is not ``watchable``.
        """
        now = time.monotonic()
        if self._used_at_first is None:
            self._used_at_first = _used_by(self._thread)
        if insisting and self._used_when_insisting is None:
            self._used_when_insisting = _used_by(self._thread)
            self._ending = None  # interrupt the loop once more, with another exception
        if self._is_left_to_loop(frame, insisting, now):
            return False, _LATER, None, False
        # The longer a thread rests, the rarer are the looks at it.
        place = (frame, -1 if frame is None else frame.f_lasti)
        self._delay = min(2 * self._delay, _LATEST) if place == self._place else _SOON
        self._place = place
        if frame is None:
            return False, self._delay, None, False
        looked_at = _looked_at(frame)
        # C code may call Python code later, which would get the exception.
        is_out_of_c = is_at_check(frame) or not watchable or self._is_desperate()
        in_loop = jumps_back(frame)
        bears = looked_at is frame and is_out_of_c and self._bears(frame, in_loop=in_loop)
        code = self._innermost_code(looked_at)
        return bears, self._delay, code, code is looked_at.f_code

    def look_at_return(self, frame: FrameType) -> bool:
        """Whether the function in this frame may raise instead of returning to its caller."""
        caller = frame.f_back
        if caller is None or not (is_returning(frame) and calls_by_name(caller, frame.f_code)):
            return False
        return self.look_after_call(caller)

    def look_after_call(self, frame: FrameType) -> bool:
        """Whether the function that this frame has called may raise instead of returning."""
        if self._has_loop_end():
            return False
        return is_calling(frame) and self._bears(frame, in_loop=False)

    def look_at_jump(self, frame: FrameType) -> bool:
        """Whether this frame, whose code jumps back, may raise instead."""
        return not self._has_loop_end() and self._bears(frame, in_loop=True)

    def look_at_begin(self, frame: FrameType) -> bool:
        """Whether this frame, whose function begins or whose generator goes on, may raise."""
        return begins(frame) and not self._has_loop_end() and self._bears(frame, in_loop=False)

    def look_at_line(self, frame: FrameType) -> bool:
        """Whether this frame may raise at the begin of a line: only at the head of a loop."""
        return is_at_loop_head(frame) and self.look_at_jump(frame)

    def _has_loop_end(self) -> bool:
        return self._ending is not None and self._ending.is_awaited(time.monotonic())

    def _bears(self, frame: FrameType, *, in_loop: bool) -> bool:
        """``in_loop``: the frame's code goes back to the head of a loop.

        Elsewhere the standard library hands on what nothing closes yet, e.g. the number of a
        descriptor from one call to the next.
        """
        in_library = in_loop and (self._insists or self._is_long_in_library())
        bears = self._is_desperate() or may_be_hit(frame, self._insists, in_library=in_library)
        return bears and not will_be_protected(frame)

    def _innermost_code(self, frame: FrameType) -> CodeType:
        """The code of the innermost frame that can bear the interruption when it goes on."""
        if self._is_desperate():
            return frame.f_code
        in_library = self._insists or self._is_long_in_library()
        found: FrameType | None = None
        outer = frame
        while True:
            kind = _kind(outer)
            if _cleans(outer, kind, self._insists):
                found = None
            elif found is None and (kind == "user" or (kind == "neutral" and in_library)):
                found = outer
            if kind == "request" or outer.f_back is None:
                return (found or outer).f_code
            outer = outer.f_back

    @property
    def _insists(self) -> bool:
        return self._used_when_insisting is not None

    def _is_desperate(self) -> bool:
        before = self._used_when_insisting
        return before is not None and _used_by(self._thread) - before > _PATIENCE

    def _is_long_in_library(self) -> bool:
        before = self._used_at_first
        return before is not None and _used_by(self._thread) - before > _PATIENCE_WITH_LIBRARY

    def _is_left_to_loop(self, frame: FrameType | None, insisting: bool, now: float) -> bool:
        loop = _loops.get(self._thread)
        if loop is None or loop.is_closed():
            return False
        if self._ending is None:
            if not insisting and _is_cleaning(_around_loop(frame)):
                return False  # the loop runs to clean up
            self._ending = _LoopEnding(loop, None if insisting else _main_task(loop, frame), now)
        return self._ending.is_awaited(now)


# Functions that the interrupted thread itself runs.
_LOOKS = frozenset(
    look.__code__
    for look in (
        Attempt.look_at_return,
        Attempt.look_after_call,
        Attempt.look_at_jump,
        Attempt.look_at_begin,
        Attempt.look_at_line,
    )
)


def _looked_at(frame: FrameType) -> FrameType:
    """The innermost frame of the thread, without the looks that the thread itself runs."""
    innermost = frame
    for outer in _frames_of_request(frame):
        if outer.f_code in _LOOKS and outer.f_back is not None:
            innermost = outer.f_back
    return innermost


def _frames_of_request(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames from this one outward, up to the frame of this package that runs the request."""
    while frame is not None and _kind(frame) != "request":
        yield frame
        frame = frame.f_back


class _LoopEnding:
    """Makes a running loop end its main task. Without a main task, interrupts the loop itself."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, main: "asyncio.Future[Any] | None", now: float
    ) -> None:
        self._main = main
        self._since = now
        self._heard = False
        try:
            loop.call_soon_threadsafe(self._end)
        except RuntimeError:  # closed meanwhile
            self._since -= _FOR_LOOP

    def is_awaited(self, now: float) -> bool:
        """Whether the loop may still end its main task by itself."""
        return self._heard or now - self._since < _FOR_LOOP

    def _end(self) -> None:
        self._heard = True
        if self._main is None or not self._main.cancel():
            _erlang.raise_interruption()
            # The exception is for code of another greenlet, which the loop does not end.
            self._heard = False
            self._since -= _FOR_LOOP


def _used_by(thread: int) -> float:
    """The processor time of a thread; monotonic time where there is no such clock."""
    if hasattr(time, "pthread_getcpuclockid"):
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    return time.monotonic()


def may_be_hit(frame: FrameType, insisting: bool = False, *, in_library: bool = True) -> bool:
    """Whether an exception in this thread's innermost frame, here and now, leaves no lock held.

    An insisting exception may also come in a ``finally``. ``in_library``: also in the standard
    library, but not where native code may have called the library.
    """
    innermost: FrameType | None = frame
    if waits_safely(frame):
        return not _is_cleaning(frame, insisting)
    if not in_library and _kind(frame) == "neutral":
        return False
    while innermost is not None:
        kind = _kind(innermost)
        if kind == "locking":
            return False
        if kind == "user":
            return not (_is_cleaning(frame, insisting) or will_be_protected(frame))
        outer = innermost.f_back
        if kind == "request" or outer is None:
            return True
        if not calls_by_name(outer, innermost.f_code):
            return False
        innermost = outer
    return True


def watch_loops() -> None:
    """From here on `_loops` knows the loop that each thread runs, whoever has made the loop."""
    asyncio.events._set_running_loop = asyncio._set_running_loop = _set_running_loop


_set_running_loop_itself = asyncio.events._set_running_loop


def _set_running_loop(loop: asyncio.AbstractEventLoop | None, /) -> None:
    _set_running_loop_itself(loop)
    if loop is None:
        _loops.pop(threading.get_ident(), None)
    else:
        _loops[threading.get_ident()] = loop


def _is_cleaning(frame: FrameType | None, insisting: bool = False) -> bool:
    """Whether any function of the request takes something, or gives something back."""
    return any(_cleans(one, _kind(one), insisting) for one in _frames_of_request(frame))


def _cleans(frame: FrameType, kind: str, insisting: bool) -> bool:
    if frame.f_code.co_name in _CLEANING:
        return True
    return kind == "user" and not insisting and is_in_finally(frame)


def _main_task(
    loop: asyncio.AbstractEventLoop, frame: FrameType | None
) -> "asyncio.Future[Any] | None":
    """The task of the innermost `asyncio.Runner.run` or `run_until_complete`, if any."""
    for outer in _frames_of_request(frame):
        variable = _MAINS.get(outer.f_code)
        if variable is not None:
            main = outer.f_locals.get(variable)
            if asyncio.isfuture(main) and main.get_loop() is loop:
                return main
    return None


def _around_loop(frame: FrameType | None) -> FrameType | None:
    """The frame whose code runs the innermost loop, if asyncio's own code shows it."""
    return next((one.f_back for one in _frames_of_request(frame) if one.f_code in _MAINS), None)


_MAINS: dict[CodeType, str] = {
    asyncio.Runner.run.__code__: "task",
    asyncio.BaseEventLoop.run_until_complete.__code__: "future",
}


def _kind(frame: FrameType) -> str:
    name = frame.f_code.co_filename
    if name.startswith("<") and not name.startswith("<frozen "):
        return _kind_of_string(frame)
    kind = _kind_of_file(name)
    if kind == "own":
        return "request" if frame.f_code.co_name == "run_request" else "neutral"
    return kind


def _kind_of_string(frame: FrameType) -> str:
    """The kind of code from a string: of the standard library (e.g. named tuples) or of users."""
    module = str(frame.f_globals.get("__name__"))
    if module.startswith("namedtuple_"):
        return "neutral"
    if module.split(".")[0] in sys.stdlib_module_names:
        return _kind_of_module(module)
    return "user"


def _kind_of_file(name: str) -> str:
    kind = _kinds.get(name)
    if kind is None:
        if len(_kinds) >= _MOST_KINDS:  # code from strings may have a new file name each time
            _kinds.clear()
        kind = _kinds[name] = _find_kind(name)
    return kind


def _find_kind(name: str) -> str:
    if name.startswith(_PACKAGE):
        module = name[len(_PACKAGE) :].removesuffix(".py")
        return "locking" if module in _OWN_LOCKING else "own"
    if name.startswith("<frozen "):
        module = name[len("<frozen ") : -1]
    elif name.startswith(_LIBRARY) and not name.startswith(_INSTALLED):
        module = name[len(_LIBRARY) :].replace(os.sep, ".")
    else:
        return "user"
    return _kind_of_module(module)


def _kind_of_module(module: str) -> str:
    return "locking" if module.split(".")[0] in LOCKING else "neutral"
