# SPDX-License-Identifier: Apache-2.0
"""A program for erlpy: each allocation of the native library fails once, in each kind of work."""

import asyncio
import ctypes
import sys
import threading
import time
from collections.abc import Callable

import erlang

MOST = 500
fail_new = ctypes.CDLL(None).fail_new
fail_new.argtypes = [ctypes.c_long]

VALUE = {"a": [1, 2.5, None, "text", 10**30], "b": (erlang.Atom("ok"), b"bytes")}


def call() -> None:
    erlang.call("echo", VALUE, timeout=20)


def call_in_a_thread() -> None:
    thread = threading.Thread(target=attempt, args=(call,))
    thread.start()
    thread.join()


def call_python() -> None:
    erlang.call("nested", timeout=20)


def use_a_context() -> None:
    erlang.call("in_context", timeout=20)


def time_out() -> None:
    erlang.call("too_late", timeout=20)


def call_on_a_loop() -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            calls = [erlang.async_call("echo", VALUE) for _ in range(5)]
            late = erlang.async_call("nested", timeout=5)
            await asyncio.gather(*calls, late, return_exceptions=True)

    asyncio.run(main())


def attempt(work: Callable[[], None]) -> str:
    try:
        work()
    except (MemoryError, erlang.Error) as error:
        return type(error).__name__
    return "done"


def sweep(work: Callable[[], None]) -> None:
    for number in range(1, MOST):
        print(work.__name__, number, file=sys.stderr)
        fail_new(number)
        outcome = attempt(work)
        if not fail_new(0):
            print(work.__name__, "passed")
            return
        print(outcome, file=sys.stderr)
        assert erlang.call("echo", number, timeout=20) == number
    raise AssertionError(f"{work.__name__} allocates without end")


def main() -> None:
    for work in (
        call,
        call_in_a_thread,
        call_python,
        use_a_context,
        time_out,
        call_on_a_loop,
    ):
        sweep(work)
    # A context whose thread could not start does not count as starting for ever.
    deadline = time.monotonic() + 20
    while erlang.call("starting") != 0:
        assert time.monotonic() < deadline
        time.sleep(0.001)


main()
