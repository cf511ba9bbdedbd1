# SPDX-License-Identifier: Apache-2.0
"""What the bytecode at a place of code tells of an exception there."""

import asyncio
import contextlib
import dis
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from types import CodeType, FrameType, FunctionType
from typing import cast

import pytest

from erlang import _code_places
from erlang.testing import becomes_true


class Watched:
    """Calls back when it is taken, with the frame that takes it."""

    def __init__(self) -> None:
        self.answers: list[bool] = []

    def look(self, frame: FrameType | None) -> "Watched":
        assert frame is not None
        self.answers.append(_code_places.will_be_protected(frame))
        return self

    def open(self) -> "Watched":
        return self.look(sys._getframe(1))

    def acquire(self) -> None:
        self.look(sys._getframe(1))

    release = acquire

    def __enter__(self) -> None:
        self.look(sys._getframe(1))

    def __exit__(self, *_: object) -> None:
        pass


def _with(watched: Watched) -> None:
    with watched:
        pass


def _two_with(watched: Watched) -> None:
    with contextlib.nullcontext(), watched:
        pass


def _acquire_and_try(watched: Watched) -> None:
    watched.acquire()
    try:
        str(watched)
    finally:
        str(watched)


def _acquire_alone(watched: Watched) -> None:
    watched.acquire()
    str(watched)


def _release_in_try(watched: Watched) -> None:
    try:
        str(watched)
    finally:
        watched.release()
    str(watched)


def _open_in_with(watched: Watched) -> None:
    with contextlib.nullcontext(watched.open()):
        pass


def _open_before_with(watched: Watched) -> None:
    opened = watched.open()
    with contextlib.nullcontext(opened):
        pass


def _open_and_try(watched: Watched) -> None:
    opened = watched.open()
    try:
        str(watched)
    finally:
        str(opened)


def _acquire_if_possible(watched: Watched) -> None:
    if not watched.open():
        return
    try:
        str(watched)
    finally:
        str(watched)


def _open_long_before_try(watched: Watched) -> None:
    watched.open()
    str(watched)
    try:
        str(watched)
    finally:
        str(watched)


def _drop_before_with(watched: Watched) -> None:
    watched.open()
    with contextlib.nullcontext():
        pass


async def _await_in_async(watched: Watched) -> None:
    watched.open()
    await asyncio.sleep(0)


async def _async_with(watched: Watched) -> None:
    async with contextlib.aclosing(_generator(watched.open())):
        pass


async def _generator(watched: Watched) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (_open_in_with, True),
        (_open_before_with, True),
        (_open_and_try, True),
        (_acquire_if_possible, True),
        (_open_long_before_try, False),
        (_drop_before_with, False),
        (_await_in_async, False),
        (_async_with, True),
        (_with, True),
        (_two_with, True),
        (_acquire_and_try, True),
        (_acquire_alone, False),
        (_release_in_try, False),
    ],
)
def test_where_something_is_taken_that_is_given_back_later(function: object, answer: bool) -> None:
    watched = Watched()
    done = function(watched)  # type: ignore[operator]
    if asyncio.iscoroutine(done):
        asyncio.run(done)
    assert watched.answers == [answer]


def _lines_in_finally(function: Callable[[Callable[[], None]], None]) -> list[int]:
    """The lines, counted from the `def`, at which a call is in a ``finally``."""
    found = []

    def look() -> None:
        frame = sys._getframe(1)
        if _code_places.is_in_finally(frame):
            found.append(frame.f_lineno - frame.f_code.co_firstlineno)

    with contextlib.suppress(ValueError):
        function(look)
    return found


def _ends(look: Callable[[], None]) -> None:
    try:
        look()
    finally:
        look()  # 4
    look()


def _fails(look: Callable[[], None]) -> None:
    try:
        try:
            raise ValueError
        except ValueError:
            look()
            raise
    finally:
        with contextlib.nullcontext():
            look()  # 9


def _nests(look: Callable[[], None]) -> None:
    for _ in range(2):
        with contextlib.nullcontext():
            try:
                str(look)
                continue
            finally:
                if look:
                    try:
                        look()  # 9
                        raise ValueError
                    except ValueError:
                        look()  # 12
        look()


def _has_none(look: Callable[[], None]) -> None:
    with contextlib.nullcontext():
        try:
            raise ValueError
        except (OSError, ValueError):
            look()
        else:
            look()
    try:
        raise ValueError
    except:  # noqa: E722
        look()


def _branches(look: Callable[[], None]) -> None:
    for first in (True, False):
        if first:
            try:
                try:
                    look()
                finally:
                    try:
                        look()  # 8
                    finally:
                        look()  # 10
            finally:
                look()  # 12
        else:
            with contextlib.nullcontext():
                look()
            with contextlib.suppress(KeyError):
                try:
                    raise KeyError
                except KeyError:
                    look()
                    raise
            look()


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (_branches, [8, 10, 12]),
        (_ends, [4]),
        (_fails, [9]),
        (_nests, [9, 12, 9, 12]),
        (_has_none, []),
    ],
)
def test_which_lines_are_in_a_finally(
    function: Callable[[Callable[[], None]], None], lines: list[int]
) -> None:
    assert _lines_in_finally(function) == lines


def test_waits_of_the_standard_library_can_be_interrupted() -> None:
    wait = threading.Event()
    thread = threading.Thread(target=wait.wait)
    thread.start()
    try:
        assert becomes_true(
            lambda: _code_places.waits_safely(sys._current_frames()[thread.ident or 0])
        )
    finally:
        wait.set()
        thread.join()


def _with_many_finallys() -> FunctionType:
    """A function with 150 of them, and its lines in them: every fifth one."""
    part = "    try:\n        look()\n    finally:\n        look()\n    look()\n"
    names: dict[str, FunctionType] = {}
    exec("def function(look):\n" + 150 * part, names)
    return names["function"]


def test_long_functions_are_read_in_little_time() -> None:
    found, called = [], set()

    def look() -> None:
        frame = sys._getframe(1)
        called.add(_code_places.calls_by_name(frame, look.__code__))
        if _code_places.is_in_finally(frame):
            found.append(frame.f_lineno)

    function = _with_many_finallys()
    begin = time.thread_time()
    function(look)
    # Before, the cost grew with the cube of the length: this took five seconds and more.
    assert time.thread_time() - begin < 1
    assert found == list(range(5, 751, 5))
    assert called == {True}


class GoesOn:
    """A frame of a thread that runs on after each look."""

    def __init__(self, code: CodeType, places: list[int]) -> None:
        self.f_code = code
        self._places = iter(places)

    @property
    def f_lasti(self) -> int:
        return next(self._places)


def test_a_thread_may_run_on_while_its_place_is_looked_at() -> None:
    def loop() -> None:
        while True:
            len("")

    places = {one.opname: one.offset for one in dis.get_instructions(loop)}
    frame = GoesOn(loop.__code__, [places["JUMP_BACKWARD"], places["RESUME"], places["RESUME"]])
    assert _code_places.is_at_check(cast(FrameType, frame))
