# SPDX-License-Identifier: Apache-2.0
"""The policy of interruptions: where in its code a thread can bear an exception from outside.

CPython raises such an exception between any two instructions. Python code of the standard library
takes locks. An exception between the taking of a lock and the following ``try`` leaves the lock
held for ever. So the native side asks this module before it raises one; `Attempt.look` decides
where and when.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from types import CodeType, FrameType
from typing import Any

import _erlang
from erlang._code_kinds import CallStack, imports_module, kind_of, request_frame, up_to_request
from erlang._code_places import (
    begins,
    calls_by_name,
    follows_call,
    is_at_check,
    is_at_loop_head,
    is_calling,
    is_in_finally,
    is_returning,
    jumps_back,
    waits_safely,
    will_be_protected,
)
from erlang._running_loops import running_loops

# Functions that take or give back something, by convention. The first interruption skips them.
_CLEANING = frozenset(
    {"__enter__", "__exit__", "__aenter__", "__aexit__", "__del__", "acquire", "release"}
)

# Seconds.
_SOON = 0.001
_LATER = 0.01
_LATEST = 0.25
# The time that a loop has to cancel its main task. Then the code of its thread is interrupted.
_FOR_LOOP = 0.05
# How long code may clean up, after it was first seen to do so, before an insisting interruption may
# come in the middle: seconds.
_TO_CLEAN_UP = 1.0
# How long a thread may run code that can't bear an insisting interruption: seconds of the thread's
# own processor time. A thread that waits for its turn on a busy machine has not run on.
_PATIENCE = 0.5
# Both for the import of a module: what breaks it may break the module for the rest of the node.
_TO_IMPORT = 30.0
# The same for the first interruption, in loops of the standard library without locks. That code
# returns soon.
_PATIENCE_WITH_LIBRARY = 0.05

# Later versions of CPython have events of instructions without tracing.
_SEES_INSTRUCTIONS_BY_TRACE = sys.version_info < (3, 12)


def do_nothing() -> None:
    """CPython raises a pending exception in this function."""


class Attempt:
    """An attempt to interrupt one thread."""

    def __init__(self, thread: int, clock: int | None) -> None:
        self._thread = thread
        self._clock = clock
        self._delay = _SOON
        self._place: tuple[FrameType | None, int] = (None, -1)
        self._used_at_first: float | None = None
        self._used_when_insisting: float | None = None
        self._ending: _LoopEnding | None = None
        # The outermost frame that cleans up, and since when it was seen to do so.
        self._cleaner: FrameType | None = None
        self._cleaner_since = 0.0
        self._imports = False

    def look(
        self, frames: Sequence[FrameType], insisting: bool, watchable: bool
    ) -> tuple[bool, float, CodeType | None, bool]:
        """Whether the thread can be interrupted here and now, and the seconds until the next look.

        ``frames`` are all frames of the thread, the innermost one first. The thread may go on while
        this function looks. So the function must not ask one of the frames for its caller: before
        CPython 3.12 the new frame object may then refer to memory that is no frame any more.

        The third value is the innermost code that can bear the interruption, if it is to be watched
        until then. The fourth value says whether that code itself is running. If it is not, its
        loops do not go on either. A thread that others trace or profile is not ``watchable``.
        """
        now = time.monotonic()
        if self._used_at_first is None:
            self._used_at_first = _used_by(self._clock)
        if insisting and self._used_when_insisting is None:
            self._used_when_insisting = _used_by(self._clock)
            self._ending = None  # interrupt the loop once more, with another exception
        stack = tuple(up_to_request(frames))
        if self._is_left_to_loop(stack, now):
            return False, _LATER, None, False
        # The longer a thread rests, the rarer are the looks at it.
        frame = stack[0] if stack else None
        place = (frame, -1 if frame is None else frame.f_lasti)
        self._delay = min(2 * self._delay, _LATEST) if place == self._place else _SOON
        self._place = place
        if frame is None:
            return False, self._delay, None, False
        looked_at = _without_looks(stack)
        if (cleaner := _cleaner(looked_at)) is not self._cleaner:
            self._cleaner, self._cleaner_since = cleaner, now
        self._imports = any(map(imports_module, looked_at))
        # C code may call Python code later, which would get the exception.
        is_out_of_c = is_at_check(frame) or not watchable or self._is_desperate(looked_at)
        in_loop = jumps_back(frame)
        bears = looked_at[0] is frame and is_out_of_c and self._bears(stack, in_loop=in_loop)
        code = self._innermost_code(looked_at)
        if _SEES_INSTRUCTIONS_BY_TRACE and watchable and code is looked_at[0].f_code:
            # The event of a call comes too late if the call is under way already.
            looked_at[0].f_trace_opcodes = in_loop or is_calling(looked_at[0])
        return bears, self._delay, code, code is looked_at[0].f_code

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
        return is_calling(frame) and self._bears(CallStack(frame), in_loop=False)

    def look_at_jump(self, frame: FrameType) -> bool:
        """Whether this frame, whose code jumps back, may raise instead."""
        return not self._has_loop_end() and self._bears(CallStack(frame), in_loop=True)

    def look_at_begin(self, frame: FrameType) -> bool:
        """Whether this frame, whose function begins or whose generator goes on, may raise."""
        return (
            begins(frame)
            and not self._has_loop_end()
            and self._bears(CallStack(frame), in_loop=False)
        )

    def look_at_instruction(self, frame: FrameType) -> bool:
        """Whether this frame may raise before its next instruction: after a call, or in a loop."""
        if _SEES_INSTRUCTIONS_BY_TRACE:
            frame.f_trace_opcodes = False
        if not follows_call(frame):
            return self.look_at_line(frame)
        if is_returning(frame):
            return self.look_at_return(frame)
        return not self._has_loop_end() and self._bears(CallStack(frame), in_loop=False)

    def look_at_line(self, frame: FrameType) -> bool:
        """Whether this frame may raise at the begin of a line: only where a loop goes on."""
        return (is_at_loop_head(frame) or jumps_back(frame)) and self.look_at_jump(frame)

    def _has_loop_end(self) -> bool:
        return self._ending is not None and self._ending.is_awaited(time.monotonic())

    def _bears(self, stack: Iterable[FrameType], *, in_loop: bool) -> bool:
        """``in_loop``: the innermost code goes back to the head of a loop.

        Elsewhere the standard library hands on what nothing closes yet, e.g. the number of a
        descriptor from one call to the next.
        """
        in_library = in_loop and (self._insists or self._is_long_in_library())
        bears = self._is_desperate(stack) or may_be_hit(
            stack, self._given_up_cleaner(), in_library=in_library, in_loop=in_loop
        )
        return bears and not will_be_protected(next(iter(stack)))

    def _innermost_code(self, stack: Sequence[FrameType]) -> CodeType:
        """The code of the innermost frame that can bear the interruption when it goes on."""
        if self._is_desperate(stack):
            return stack[0].f_code
        in_library = self._insists or self._is_long_in_library()
        given_up = self._given_up_cleaner()
        found: FrameType | None = None
        for frame in stack:
            kind = kind_of(frame)
            if given_up is None and _cleans(frame):
                found = None
            elif found is None and (kind == "user" or (kind == "neutral" and in_library)):
                found = frame
        return (found or stack[-1]).f_code

    @property
    def _insists(self) -> bool:
        return self._used_when_insisting is not None

    def _given_up_cleaner(self) -> FrameType | None:
        """The frame whose clean-up has had its time, if the interruption insists."""
        limit = _TO_IMPORT if self._imports else _TO_CLEAN_UP
        in_time = time.monotonic() - self._cleaner_since < limit
        return self._cleaner if self._insists and not in_time else None

    def _is_desperate(self, stack: Iterable[FrameType]) -> bool:
        if self._used_when_insisting is None:
            return False
        used = _used_by(self._clock) - self._used_when_insisting
        return used > _PATIENCE and (used > _TO_IMPORT or not any(map(imports_module, stack)))

    def _is_long_in_library(self) -> bool:
        before = self._used_at_first
        return before is not None and _used_by(self._clock) - before > _PATIENCE_WITH_LIBRARY

    def _is_left_to_loop(self, stack: Sequence[FrameType], now: float) -> bool:
        loop, request = running_loops.get(self._thread, (None, None))
        if loop is None or loop.is_closed():
            return False
        # A nested request can run in a loop. Only the request's own loop can end for the request.
        if request is not request_frame(stack):
            return False
        if self._ending is None:
            if not self._insists and _cleaner(_around_loop(stack)) is not None:
                return False  # the loop runs to clean up
            main = None if self._insists else _main_task(loop, stack)
            self._ending = _LoopEnding(loop, main, now)
        return self._ending.is_awaited(now)


# Functions that the interrupted thread itself runs.
_LOOKS = frozenset(
    look.__code__
    for look in (
        Attempt.look_at_return,
        Attempt.look_after_call,
        Attempt.look_at_jump,
        Attempt.look_at_begin,
        Attempt.look_at_instruction,
        Attempt.look_at_line,
    )
)


def _without_looks(stack: Sequence[FrameType]) -> Sequence[FrameType]:
    """The stack of the thread's code, without the looks that the thread itself runs."""
    begin = 0
    for place, frame in enumerate(stack[:-1]):
        if frame.f_code in _LOOKS:
            begin = place + 1
    return stack[begin:]


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
        if self._main is not None and self._main.cancel():
            # What the main task does now, and what follows the loop, is clean-up.
            _erlang.take_interruption()
        else:
            _erlang.raise_interruption()
            # The exception is for code of another greenlet, which the loop does not end.
            self._heard = False
            self._since -= _FOR_LOOP


def _used_by(clock: int | None) -> float:
    """The processor time of the thread with this clock; monotonic time where there are none.

    Raises:
        OSError: The thread has ended.
    """
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def may_be_hit(
    stack: Iterable[FrameType],
    given_up: FrameType | None = None,
    *,
    in_library: bool = True,
    in_loop: bool = False,
) -> bool:
    """Whether an exception in the innermost frame, here and now, leaves no lock held.

    ``given_up``: the exception may also come while this frame, the outermost one that cleans up,
    does so. In a function that takes or gives back something it comes only in a loop, which may
    wait without end. ``in_library``: also in the standard library, but not where native code may
    have called the library.
    """
    innermost = next(iter(stack))
    if waits_safely(innermost):
        return not _is_cleaning(stack, given_up, in_loop=True)
    if not in_library and kind_of(innermost) == "neutral":
        return False
    inner: FrameType | None = None
    for frame in stack:
        if inner is not None and not calls_by_name(frame, inner.f_code):
            return False
        kind = kind_of(frame)
        if kind == "locking":
            return False
        if kind == "user":
            return not (_is_cleaning(stack, given_up, in_loop) or will_be_protected(innermost))
        if kind == "request":
            return True
        inner = frame
    return True


def _is_cleaning(stack: Iterable[FrameType], given_up: FrameType | None, in_loop: bool) -> bool:
    """Whether any function of the stack takes something, gives it back, or imports a module."""
    cleaner = _cleaner(stack)
    if cleaner is None or cleaner is not given_up:
        return cleaner is not None
    return any(
        frame.f_code.co_name in _CLEANING and not (in_loop and kind_of(frame) == "user")
        for frame in stack
    )


def _cleaner(stack: Iterable[FrameType]) -> FrameType | None:
    """The outermost frame of the stack that takes something, gives it back, or imports a module."""
    outermost = None
    for frame in stack:
        if _cleans(frame):
            outermost = frame
    return outermost


def _cleans(frame: FrameType) -> bool:
    if frame.f_code.co_name in _CLEANING or imports_module(frame):
        return True
    return kind_of(frame) == "user" and is_in_finally(frame)


def _main_task(
    loop: asyncio.AbstractEventLoop, stack: Iterable[FrameType]
) -> "asyncio.Future[Any] | None":
    """The task of the innermost `asyncio.Runner.run` or `run_until_complete`, if any."""
    for frame in stack:
        variable = _MAINS.get(frame.f_code)
        if variable is not None:
            main = frame.f_locals.get(variable)
            if asyncio.isfuture(main) and main.get_loop() is loop:
                return main
    return None


def _around_loop(stack: Sequence[FrameType]) -> Sequence[FrameType]:
    """The frames that called the innermost loop, if asyncio's own code shows the loop."""
    for place, frame in enumerate(stack):
        if frame.f_code in _MAINS:
            return stack[place + 1 :]
    return ()


_MAINS: dict[CodeType, str] = {
    asyncio.Runner.run.__code__: "task",
    asyncio.BaseEventLoop.run_until_complete.__code__: "future",
}
