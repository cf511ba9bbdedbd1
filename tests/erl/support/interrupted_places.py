# SPDX-License-Identifier: Apache-2.0
"""Functions that report the place of their interruption."""

import asyncio
import contextlib
import functools
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvloop
from interrupted_code import spin

import erlang
from erlang.testing import becomes_true


async def telling() -> None:
    try:
        await erlang.async_call("tell", "begun")
        await asyncio.sleep(3600)
    except BaseException as ending:
        await asyncio.sleep(0)  # the task can still wait
        await erlang.async_call("tell", type(ending).__name__)
        raise


async def deaf() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await erlang.async_call("tell", "begun")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


def told_by_asyncio() -> None:
    asyncio.run(telling())


def told_by_uvloop() -> None:
    uvloop.run(telling())


def until_forced(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_until_complete(deaf())
    except BaseException as ending:
        erlang.call("tell", type(ending).__name__)
        raise
    finally:
        loop.close()


def deaf_asyncio() -> None:
    until_forced(asyncio.new_event_loop())


def deaf_uvloop() -> None:
    until_forced(uvloop.new_event_loop())


# Code that acquires or releases something.

TURNS = 2_000_000


def told(function: Callable[[], object]) -> Callable[[], None]:
    """Report whether the interruption came inside a call that ``function`` made, or outside."""

    @functools.wraps(function)
    def run() -> None:
        inside.clear()
        try:
            function()
            spin()
        except BaseException:
            erlang.call("tell", "inside" if inside else "outside")
            raise

    return run


inside: list[bool] = []


def begin() -> None:
    inside.append(True)
    tell_begun()


def tell_begun() -> None:
    """Report from another thread: a call on this thread could be interrupted itself."""
    threading.Thread(target=erlang.call, args=("tell", "begun")).start()


def tell_when_inside() -> None:
    """Report the begin when ``inside`` is set."""

    def tell() -> None:
        assert becomes_true(lambda: inside)
        erlang.call("tell", "begun")

    threading.Thread(target=tell).start()


def busy() -> None:
    begin()
    for _ in range(TURNS):
        pass
    inside.clear()


class Busy:
    def __enter__(self) -> None:
        if self.kind == "enter":
            busy()

    def __exit__(self, *_: object) -> None:
        if self.kind == "exit":
            busy()

    def __del__(self) -> None:
        if self.kind == "del":
            busy()

    def acquire(self) -> None:
        if self.kind == "acquire":
            busy()

    def __init__(self, kind: str) -> None:
        self.kind = kind


@told
def busy_in_enter() -> None:
    with Busy("enter"):
        pass


@told
def busy_in_exit() -> None:
    with Busy("exit"):
        pass


@told
def busy_in_del() -> None:
    Busy("del")


@told
def busy_in_acquire() -> None:
    Busy("acquire").acquire()


@told
def busy_in_finally() -> None:
    try:
        inside.clear()
    finally:
        busy()
    str(inside)


@told
def busy_in_finally_after_an_error() -> None:
    with contextlib.suppress(ValueError):
        try:
            int("no number")
        finally:
            busy()


@contextlib.contextmanager
def managed_finally() -> Iterator[None]:
    try:
        yield
    finally:
        busy()


@told
def busy_in_finally_of_a_generator() -> None:
    with managed_finally():
        inside.clear()


def busy_before_try() -> None:
    """Another thread holds the lock until after the interruption. Is the lock free at the end?"""
    own = threading.Lock()
    own.acquire()
    other = threading.Timer(0.1, own.release)
    other.start()
    try:
        begin()
        own.acquire()
        try:
            spin()
        finally:
            own.release()
    except BaseException:
        other.join()
        erlang.call("tell", "inside" if own.locked() else "outside")
        raise


@told
def trying_to_take() -> None:
    """Another thread never releases the lock. The code after the loop is a `try'."""
    kept = threading.Lock()
    kept.acquire()
    tell_begun()
    while not kept.acquire(False):
        pass
    try:
        inside.append(True)
    finally:
        kept.release()


@told
def repeating_nothing() -> None:
    tell_begun()
    while True:
        pass


@told
def repeating_alone_in_try() -> None:
    """CPython 3.11 and 3.12 raise at the jump as if before the loop, which is not in the `try'."""
    tell_when_inside()
    inside[:] = [True]
    try:
        while True: count = 1  # noqa: E701, F841  # fmt: skip
    finally:
        inside.clear()


@told
def repeating_nothing_in_try() -> None:
    """No line begins in this loop: its one instruction goes back to itself."""
    tell_when_inside()
    inside[:] = [True]
    try:
        while True: pass  # noqa: E701  # fmt: skip
    finally:
        inside.clear()


# Code that counts as a module of the standard library, since its module has such a name.
LIBRARY = """
def go_down(depth, end):
    if depth and thread_time() < end:
        go_down(depth - 1, end)
        go_down(depth - 1, end)

def search():
    inside.append(True)
    go_down(40, thread_time() + 0.3)
    inside.clear()

def count():
    inside.append(True)
    end = thread_time() + 10
    while thread_time() < end:
        pass
    inside.clear()
"""
library = {"__name__": "json", "inside": inside, "thread_time": time.thread_time}
exec(LIBRARY, library)
search, count = library["search"], library["count"]


@told
def busy_in_library_without_loop() -> None:
    """Functions of the library begin and return all the time."""
    tell_when_inside()
    search()


@told
def busy_in_loop_of_library() -> None:
    tell_when_inside()
    count()


class Computed:
    @property
    def value(self) -> int:
        return sum((1, 2))


@told
def computing_attributes() -> None:
    """No function returns to this function: the interpreter itself calls the property."""
    computed = Computed()
    tell_begun()
    while True:
        computed.value  # noqa: B018


@told
def jumping_out_of_with() -> None:
    """After a branch, the code jumps to the end of the `with'."""
    own = threading.Lock()
    ways = [0, 0]
    tell_begun()
    inside[:] = [True]
    try:
        while True:
            with own:
                if inside:
                    ways[0] += 1
                else:
                    ways[1] += 1
    finally:
        inside[:] = [True] if own.locked() else []


async def wait_awhile() -> None:
    begin()
    await asyncio.sleep(0.2)
    inside.clear()


@told
def loop_in_finally() -> None:
    try:
        inside.clear()
    finally:
        asyncio.run(wait_awhile())
    str(inside)


def is_watched(frame: FrameType) -> bool:
    if sys.version_info < (3, 12):
        return frame.f_trace_opcodes
    monitoring = sys.monitoring
    numbers = [number for number in (3, 4) if monitoring.get_tool(number)]
    return any(monitoring.get_local_events(number, frame.f_code) for number in numbers)


@told
def waiting_in_c() -> None:
    """The call is under way when the interruption comes. The next statement must not run."""
    kept = threading.Lock()
    kept.acquire()
    frame = sys._getframe()

    def let_go() -> None:
        # This check runs with the GIL. So the code of the line is in C, without the GIL.
        assert becomes_true(lambda: frame.f_lineno == line)
        erlang.call("tell", "begun")
        becomes_true(lambda: is_watched(frame))
        kept.release()

    line = frame.f_lineno + 2
    threading.Thread(target=let_go).start()
    kept.acquire()
    inside.append(True)


COUNTING = """
with recursive numbers(n) as (values (0) union all select n + 1 from numbers where n < 1000000)
select finish() from (select max(n) from numbers)
"""


def busy_in_c() -> None:
    """C code without the GIL; at its end it calls code of the standard library."""
    finished = threading.Event()
    frame = sys._getframe()

    def tell_when_busy() -> None:
        # This check runs with the GIL. So the code of the line is in C, without the GIL.
        assert becomes_true(lambda: frame.f_lineno == line)
        erlang.call("tell", "begun")

    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("finish", 0, finished.set)
        try:
            line = frame.f_lineno + 2
            threading.Thread(target=tell_when_busy).start()
            connection.execute(COUNTING)
            spin()
        except BaseException:
            erlang.call("tell", "outside" if finished.is_set() else "inside")
            raise
