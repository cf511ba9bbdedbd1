# SPDX-License-Identifier: Apache-2.0
"""The policy of interruptions for code of the standard library and of users."""

import asyncio
import collections
import contextlib
import os
import random
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
import uvloop

from erlang import _code_places, _interruption
from erlang.testing import becomes_true

_MAKES_A_LOCK = re.compile(
    r"\b(allocate_lock|R?Lock|Condition|(Bounded)?Semaphore|Event|Barrier)\(\)"
)
_NOT_THE_LIBRARY = (
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "turtledemo",
)


def _lock_makers() -> Iterator[str]:
    """The top-level modules of this Python's standard library that make locks."""
    library = Path(os.__file__).parent
    for file in library.rglob("*.py"):
        inside = file.relative_to(library)
        if not set(inside.parts) & set(_NOT_THE_LIBRARY) and _makes_locks(file):
            yield inside.parts[0].removesuffix(".py")


def _makes_locks(file: Path) -> bool:
    return bool(_MAKES_A_LOCK.search(file.read_text(encoding="utf-8", errors="replace")))


def test_each_module_of_the_standard_library_that_makes_locks_is_known() -> None:
    makers = set(_lock_makers())
    assert {"threading", "queue", "logging", "concurrent"} <= makers
    assert makers <= _interruption.LOCKING


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


def _interruptible(frame: FrameType | None) -> bool:
    return frame is not None and _interruption.may_be_hit(frame, in_library=False)


def test_named_tuples_belong_to_the_code_that_makes_them() -> None:
    tuples = collections.namedtuple("tuples", "seen", defaults=[None])
    frames = []

    def keep(frame: FrameType, *_: object) -> None:
        frames.append((frame.f_code.co_filename, _interruptible(frame)))

    sys.setprofile(keep)
    try:
        tuples(1)
    finally:
        sys.setprofile(None)
    assert ("<string>", False) in frames
    assert ("<string>", True) not in frames


def _bearing_library_calls(function: Callable[[], object]) -> dict[str, bool]:
    """The functions of the library that it calls, and whether an interruption may hit these."""
    found: dict[str, bool] = {}

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and _interruption._kind(frame) == "neutral":
            found[frame.f_code.co_name] = _interruption.may_be_hit(frame)

    def run() -> None:
        sys.setprofile(look)
        try:
            function()
        finally:
            sys.setprofile(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


def _split() -> object:
    return os.path.split(os.path.join("a", "b"))


def _make_loop() -> object:
    loop = uvloop.new_event_loop()
    loop.close()
    return loop


def test_library_code_is_hit_only_where_python_code_has_called_it() -> None:
    called = _bearing_library_calls(_split)
    assert {"split", "join"} <= called.keys()
    assert all(called.values()), called
    # The native constructor keeps its descriptors when one of these raises.
    called = _bearing_library_calls(_make_loop)
    assert "__getitem__" in called
    assert not any(called.values()), called


@pytest.fixture(params=["first", "second"])
def long_in_library(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> _interruption.Attempt:
    """An interruption of this thread, which has run code of the library for long."""
    monkeypatch.setattr(_interruption, "_PATIENCE_WITH_LIBRARY", -1.0)
    attempt = _interruption.Attempt(threading.get_ident())
    attempt.look(None, request.param == "second", True)
    return attempt


def test_library_code_that_hands_on_a_descriptor_is_not_hit(
    long_in_library: _interruption.Attempt,
) -> None:
    seen: dict[str, bool] = {}
    looks: dict[str, Callable[[FrameType], bool]] = {
        "call": long_in_library.look_at_begin,
        "return": long_in_library.look_at_return,
        "c_return": long_in_library.look_after_call,
    }

    def look(frame: FrameType, event: str, called: object) -> None:
        if event in looks and _interruption._kind(frame) == "neutral":
            name = getattr(called, "__name__", frame.f_code.co_name)
            seen[name] = seen.get(name, False) or looks[event](frame)

    sys.setprofile(look)
    try:
        here, there = socket.socketpair()
    finally:
        sys.setprofile(None)
    here.close()
    there.close()
    # What detach() returns is the only trace of a descriptor until a socket is made of it.
    assert "detach" in seen
    returned_to_user = seen.pop("socketpair")
    assert not any(seen.values()), seen
    assert returned_to_user


def test_library_code_is_hit_where_its_loop_goes_on(
    long_in_library: _interruption.Attempt,
) -> None:
    looked = []

    def look(frame: FrameType, event: str, _: object) -> Callable[..., object]:
        frame.f_trace_opcodes = True
        if frame.f_code.co_name == "shuffle" and _code_places.jumps_back(frame):
            looked.append(long_in_library.look_at_jump(frame))
        return look

    sys.settrace(look)
    try:
        random.shuffle([1, 2, 3])
    finally:
        sys.settrace(None)
    assert looked == [True, True]
