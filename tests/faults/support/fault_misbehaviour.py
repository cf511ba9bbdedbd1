# SPDX-License-Identifier: Apache-2.0
"""Calls of functions that misbehave. They return the call's value or the name of its error."""

import asyncio
import os
import resource
import threading
import time
from collections.abc import Callable

import fault_load
import uvloop

import erlang


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except (Exception, asyncio.CancelledError) as error:
        return type(error).__name__


def call(name: str, timeout: float | None) -> object:
    return _outcome(lambda: erlang.call(name, timeout=timeout))


async def async_call(name: str, timeout: float | None) -> object:
    try:
        return await erlang.async_call(name, timeout=timeout)
    except erlang.Error as error:
        return type(error).__name__


def much(token: int, size: int) -> object:
    """Return whether the value came back complete."""

    def arrives() -> bool:
        returned, text = erlang.call("fault_much", token)
        return bool(returned == token and len(text) == size and text[-1] == "x")

    return _outcome(arrives)


async def slow_beside(name: str) -> list[object]:
    """Make a slow call beside a misbehaving call, on the same channel."""

    async def value() -> object:
        for number in range(20):
            if await erlang.async_call("fault_wait", f"{number}") != f"{number}":
                return "crossed"
        return "value"

    return list(await asyncio.gather(value(), async_call(name, None)))


def in_fresh_thread(call: Callable[[], object]) -> object:
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.append(_outcome(call)))
    thread.start()
    thread.join()
    return outcomes[0]


async def _gather(count: int) -> list[object]:
    calls = [erlang.async_call("fault_wait", f"{number}") for number in range(count)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    return [
        type(end).__name__ if isinstance(end, BaseException) else end == f"{number}"
        for number, end in enumerate(ended)
    ]


async def gathered(count: int) -> list[object]:
    """Run calls concurrently on the running loop, which has called Erlang before."""
    return await _gather(count)


def one_of_each() -> list[object]:
    """The ends of calls on this thread, on a new thread and on a new loop."""
    return [
        _outcome(lambda: erlang.call("fault_echo", "1") == "1"),
        in_fresh_thread(lambda: erlang.call("fault_echo", "2") == "2"),
        in_fresh_thread(lambda: asyncio.run(_gather(2))),
    ]


def threads_at_once(count: int) -> list[object]:
    """Every thread has a call in progress, so that no thread takes over the channel of another
    thread.
    """
    all_here = threading.Barrier(count)
    outcomes: list[object] = []

    def call() -> None:
        all_here.wait()
        outcomes.append(_outcome(lambda: erlang.call("fault_wait", "1") == "1"))

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def threads_again_and_again(count: int, rounds: int) -> None:
    for _ in range(rounds):
        threads_at_once(count)


_two = threading.Barrier(2)


def meet() -> bool:
    """Return True when two calls of this function run at the same time."""
    return _two.wait(10) >= 0


_taken: list[int] = []
_limits = resource.getrlimit(resource.RLIMIT_NOFILE)


def take_descriptors() -> None:
    """Take all descriptors of the process, as if its limit were low."""
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, _limits[1]))
    while True:
        try:
            _taken.append(os.dup(0))
        except OSError:
            return


async def give_descriptors_back() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, _limits)
    while _taken:
        os.close(_taken.pop())


_new_event_loop = uvloop.new_event_loop
_made: list[float] = []


def _make_loop_slowly() -> uvloop.Loop:
    loop = _new_event_loop()
    # From another thread: the calling thread may be interrupted as soon as the test gets this call.
    threading.Thread(target=erlang.call, args=("fault_made",)).start()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    _made.append(end)
    return loop


def make_loops_slowly() -> None:
    _made.clear()
    uvloop.new_event_loop = _make_loop_slowly


def make_loops_as_usual() -> bool:
    """Return whether the slow loop has been handed over."""
    uvloop.new_event_loop = _new_event_loop
    deadline = time.monotonic() + 5
    while not _made and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(_made)


_falls: list[tuple[threading.Thread, list[object]]] = []


def fall(functions: int) -> object:
    return erlang.call("fault_fall", functions)


def begin_to_fall(functions: int) -> None:
    """Run on a thread that outlives the application."""
    ends: list[object] = []
    thread = threading.Thread(
        target=lambda: ends.append(fault_load.end_of(lambda _: fall(functions), ""))
    )
    _falls.append((thread, ends))
    thread.start()


def fallen() -> str:
    """The end of the call that begin_to_fall() started, as the load's ledger names it."""
    thread, ends = _falls.pop()
    thread.join()
    return fault_load.outcome_of("", ends[0])
