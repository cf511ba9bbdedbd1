# SPDX-License-Identifier: Apache-2.0
"""Threads that C made and that Python does not know: they enter by PyGILState_Ensure."""

import ctypes
import threading
from collections.abc import Callable

import pytest

import erlang
from erlang.testing import becomes_true

pytestmark = pytest.mark.channel

# ctypes callbacks take the GIL by PyGILState_Ensure at their begin and release it at their end.
START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
LIBC = ctypes.CDLL(None, use_errno=True)


def run_in_c_threads(count: int, work: Callable[[], None]) -> None:
    """Run ``work`` in ``count`` threads of pthread_create at once; join them without the GIL."""
    start = START(lambda _: work())
    threads = [ctypes.c_ulong() for _ in range(count)]
    for thread in threads:
        assert LIBC.pthread_create(ctypes.byref(thread), None, start, None) == 0
    for thread in threads:
        assert LIBC.pthread_join(thread, None) == 0


def test_a_c_thread_calls() -> None:
    results: list[int] = []
    run_in_c_threads(1, lambda: results.append(erlang.call("double_it", 21)))
    assert results == [42]


def test_many_c_threads_call_at_once() -> None:
    results: list[int] = []

    def work() -> None:
        results.extend(map(erlang.function("echo"), range(100)))

    run_in_c_threads(16, work)
    assert sorted(results) == sorted(list(range(100)) * 16)


def test_errors_stay_within_the_thread() -> None:
    errors: list[type] = []

    def work() -> None:
        for call in (("kill_self",), ("no_such_function",), ("slow", 60_000)):
            try:
                erlang.call(*call, timeout=0.2)
            except erlang.Error as error:
                errors.append(type(error))

    run_in_c_threads(1, work)
    assert errors == [erlang.Disconnected, erlang.UndefinedFunction, erlang.Timeout]


def test_a_thread_that_comes_in_again_and_again_keeps_its_channel() -> None:
    """Each outermost PyGILState_Release ends the thread's Python state, but not the thread."""
    compare = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)
    )
    used: set[int] = set()

    def ask(left: "ctypes._Pointer[ctypes.c_int]", right: "ctypes._Pointer[ctypes.c_int]") -> int:
        used.add(threading.get_ident())
        return int(erlang.call("add", left[0], -right[0]))

    numbers = (ctypes.c_int * 20)(*reversed(range(20)))
    done = threading.Event()

    def sort() -> None:
        # qsort calls back; between the callbacks, the GIL is released.
        LIBC.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), compare(ask))
        done.set()

    before = erlang.stats()["channels"]
    run_in_c_threads(1, sort)
    assert done.is_set()
    assert list(numbers) == list(range(20))
    assert len(used) == 1
    assert erlang.stats()["channels"] <= before + 1


def test_ended_c_threads_leave_nothing() -> None:
    run_in_c_threads(8, lambda: erlang.call("echo", 1))
    before, counts = erlang.stats(), erlang.call("counts")
    for _ in range(40):
        run_in_c_threads(8, lambda: erlang.call("echo", 1))
    assert becomes_true(lambda: erlang.stats()["channels"] <= before["channels"] + 8)
    assert becomes_true(lambda: erlang.call("counts")["processes"] <= counts["processes"] + 8)
