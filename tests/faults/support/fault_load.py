# SPDX-License-Identifier: Apache-2.0
"""Calls of all kinds from Python, without pause. The ledger counts started calls and their ends."""

import asyncio
import ctypes
import itertools
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator

import uvloop

import erlang

# The number of calls in progress in each loop.
IN_LOOP = 10
# The number of items of a map.
ITEMS = 3
# In seconds: the pause after a call that did not end with its value. Without it, failing calls
# would spin.
PAUSE = 0.002

# Calls into C that keep the GIL.
_libc = ctypes.PyDLL(None)
_numbers = itertools.count()

# In seconds: a spinning thread keeps the other threads waiting for this time. They have more work.
sys.setswitchinterval(0.0005)


class Ledger:
    """The started calls and their ends, by kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: Counter[tuple[str, str]] = Counter()

    def issue(self, kind: str) -> str:
        """Return a token that no other call has. The reply must be the same token."""
        with self._lock:
            self._entries[kind, "issued"] += 1
        return f"{kind} {next(_numbers)}"

    def end(self, kind: str, token: str, end: object) -> bool:
        """Return whether the call ended with its value."""
        outcome = outcome_of(token, end)
        with self._lock:
            self._entries[kind, outcome] += 1
        return outcome == "value"

    def entries(self) -> list[tuple[str, str, int]]:
        with self._lock:
            return [(kind, outcome, count) for (kind, outcome), count in self._entries.items()]


def outcome_of(token: str, end: object) -> str:
    if end == token:
        return "value"
    if type(end) is erlang.Error:
        return f"Error:{end.reason}"
    if isinstance(end, BaseException):
        return type(end).__name__
    return f"crossed: {token!r} {end!r}"


class Load:
    def __init__(self) -> None:
        self.ledger = Ledger()
        self._stop = threading.Event()
        works: list[Callable[[], None]] = [
            *[lambda: self._call("thread", lambda token: erlang.call("fault_echo", token))] * 2,
            lambda: self._call("nested", lambda token: erlang.call("fault_nest", token, 3)),
            *[lambda: self._call("limited", lambda token: limited(token, 1))] * 4,
            lambda: self._call(
                "timed", lambda token: erlang.call("fault_wait", token, timeout=0.004)
            ),
            lambda: self._call("fresh thread", _in_fresh_thread),
            lambda: self._run_loop("asyncio", asyncio.new_event_loop),
            lambda: self._run_loop("uvloop", uvloop.new_event_loop),
            lambda: self._close_loops("closed asyncio", asyncio.new_event_loop),
            lambda: self._close_loops("closed uvloop", uvloop.new_event_loop),
        ]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> list[str]:
        """Return the stacks of the threads whose calls have not ended in time."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        frames = sys._current_frames()
        return [
            "".join(traceback.format_stack(frames[thread.ident]))
            for thread in self._threads
            if thread.is_alive() and thread.ident in frames
        ]

    def _call(self, kind: str, call: Callable[[str], object]) -> None:
        while not self._stop.is_set():
            token = self.ledger.issue(kind)
            if not self.ledger.end(kind, token, end_of(call, token)):
                self._stop.wait(PAUSE)

    def _run_loop(self, kind: str, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._gather(kind))

    async def _gather(self, kind: str) -> None:
        async def one(number: int) -> bool:
            shape = ("", " nested", " timed", " cancelled", " map")[number % 5]
            own = kind + shape
            token = self.ledger.issue(own)
            if shape == " nested":
                call = erlang.async_call("fault_back", token)
            elif shape == " timed":
                call = erlang.async_call("fault_wait", token, timeout=0.004)
            elif shape == " map":
                call = erlang.map("fault_echo", [token] * ITEMS, concurrency=2)
            else:
                call = erlang.async_call("fault_echo", token)
            if shape == " cancelled":
                asyncio.get_running_loop().call_later(0.001, call.cancel)
            try:
                end: object = await call
                if end == [token] * ITEMS:
                    end = token
            except (Exception, asyncio.CancelledError) as error:
                end = error
            return self.ledger.end(own, token, end)

        while not self._stop.is_set():
            ended = await asyncio.gather(*map(one, range(IN_LOOP)))
            if not all(ended):
                await asyncio.sleep(PAUSE)

    def _close_loops(self, kind: str, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        """Close loops while their calls are in progress."""
        while not self._stop.is_set():
            loop = factory()
            tokens = [self.ledger.issue(kind) for _ in range(3)]
            calls = loop.run_until_complete(_begin(tokens))
            loop.close()
            for token, call in zip(tokens, calls, strict=True):
                done = call.done() and not call.cancelled()
                end = (call.exception() or call.result()) if done else LoopClosed()
                self.ledger.end(kind, token, end)
            self._stop.wait(PAUSE)


async def _begin(tokens: list[str]) -> list[erlang.Call[object]]:
    calls = [erlang.async_call("fault_echo", token) for token in tokens]
    await asyncio.sleep(0.001)
    return calls


class LoopClosed(Exception):
    """The end of a call whose loop is closed: the result goes nowhere."""


def end_of(call: Callable[[str], object], token: str) -> object:
    try:
        return call(token)
    except Exception as error:
        return error


def _in_fresh_thread(token: str) -> object:
    ends: list[object] = []
    thread = threading.Thread(target=lambda: ends.append(end_of(_echo, token)))
    thread.start()
    thread.join()
    return ends[0]


def _echo(token: str) -> object:
    return erlang.call("fault_echo", token)


_load: Load | None = None


def start() -> None:
    global _load
    _load = Load()


def stop(seconds: float) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Return the ledger and the stacks of hanging threads."""
    global _load
    load, _load = _load, None
    assert load is not None
    hanging = load.stop(seconds)
    return load.ledger.entries(), hanging


# Functions that Erlang calls.


def answer(token: str) -> str:
    return token


def answer_late(token: str, seconds: float) -> str:
    time.sleep(seconds)
    return token


def nest(token: str, depth: int) -> object:
    return erlang.call("fault_nest", token, depth)


def limited(token: str, depth: int) -> object:
    return erlang.call("fault_limited", token, depth)


def call_back(token: str) -> object:
    return erlang.call("fault_echo", token)


def spin(token: str) -> str:
    while True:
        pass


def items(token: str) -> Iterator[str]:
    for _ in range(3):
        time.sleep(0.001)
        yield token


async def coroutine(token: str) -> object:
    await asyncio.sleep(0.001)
    return token


async def coroutine_back(token: str) -> object:
    return await erlang.async_call("fault_echo", token)


def hold_gil(milliseconds: int) -> None:
    _libc.usleep(milliseconds * 1000)


def thread_names() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if not is_context(thread))


def is_context(thread: threading.Thread) -> bool:
    """Return whether Python did not start the thread. Python names such threads."""
    return thread.name.startswith(("Dummy", "py-context-", "py-loop-"))
