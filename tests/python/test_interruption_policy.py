# SPDX-License-Identifier: Apache-2.0
"""The policy of interruptions for code of the standard library and of users."""

import collections
import gc
import os
import random
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
import uvloop

import _erlang
from erlang import _code_kinds, _code_places, _interruption

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
    assert makers <= _code_kinds.LOCKING


def _interruptible(frame: FrameType | None) -> bool:
    return frame is not None and _interruption.may_be_hit(
        _code_kinds.CallStack(frame), in_library=False
    )


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
        if event == "call" and _code_kinds.kind_of(frame) == "neutral":
            found[frame.f_code.co_name] = _interruption.may_be_hit(_code_kinds.CallStack(frame))

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
    attempt = _interruption.Attempt(threading.get_ident(), _erlang.this_thread()[1])
    attempt.look([], request.param == "second", True)
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
        if event in looks and _code_kinds.kind_of(frame) == "neutral":
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

    # CPython 3.12 decides in settrace() whether there are events of instructions at all.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(look)
    try:
        random.shuffle([1, 2, 3])
    finally:
        sys.settrace(None)
    assert looked == [True, True]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="new frame objects collect no garbage")
def test_frames_of_another_thread_are_made_without_a_collection_of_garbage() -> None:
    collections_of_garbage: list[str] = []
    collect = lambda phase, _: collections_of_garbage.append(phase)  # noqa: E731
    begun, end = threading.Event(), threading.Event()

    def deep(depth: int) -> None:
        if depth:
            return deep(depth - 1)
        begun.set()
        end.wait()
        return None

    thread = threading.Thread(target=deep, args=[50])
    thread.start()
    begun.wait()
    ident = thread.ident
    threshold = gc.get_threshold()
    gc.callbacks.append(collect)
    gc.set_threshold(1)
    try:
        collections_of_garbage.clear()
        frames = _erlang.frames_of_thread(ident)  # type: ignore[arg-type]
        seen = len(collections_of_garbage)
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collect)
        end.set()
        thread.join()
    assert [frame.f_code.co_name for frame in frames].count("deep") == 51
    assert seen == 0
