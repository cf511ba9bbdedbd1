# SPDX-License-Identifier: Apache-2.0
"""Erlang calls Python back, on the waiting thread if the called function makes the request."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import erlang

pytestmark = pytest.mark.channel

state = threading.local()
lock = threading.RLock()


def descend(depth: int) -> list[int]:
    """Go down through Erlang. Return the threads on the way, the deepest first."""
    with lock:  # another thread would wait for ever
        state.depth = getattr(state, "depth", 0) + 1
        if depth == 0:
            return [threading.get_ident()]
        found = erlang.call("py_call", __name__, "descend", [depth - 1])
        return [*found, threading.get_ident()]


@pytest.mark.parametrize("depth", [1, 60])
def test_nested_calls_run_on_the_thread_that_waits(depth: int) -> None:
    state.depth = 0
    with lock:
        assert descend(depth) == [threading.get_ident()] * (depth + 1)
    assert state.depth == depth + 1


def test_nested_calls_in_many_threads_at_once() -> None:
    barrier = threading.Barrier(8)

    def work(_: int) -> tuple[int, list[int]]:
        barrier.wait()
        return threading.get_ident(), climb(20)

    with ThreadPoolExecutor(8) as pool:
        for thread, threads in pool.map(work, range(8)):
            assert threads == [thread] * 21


def climb(depth: int) -> list[int]:
    if depth == 0:
        return [threading.get_ident()]
    return [
        *erlang.call("py_call", __name__, "climb", [depth - 1]),
        threading.get_ident(),
    ]


def test_an_exception_comes_up_through_every_level() -> None:
    with pytest.raises(erlang.Error, match="ZeroDivisionError") as caught:
        erlang.call("py_call", __name__, "fall", [3])
    assert caught.value.kind == "error"
    assert erlang.call("double_it", 21) == 42


def fall(depth: int) -> object:
    if depth == 0:
        return 1 // 0
    return erlang.call("py_call", __name__, "fall", [depth - 1])


def test_another_process_gets_a_thread_of_its_own() -> None:
    assert erlang.call("py_call_elsewhere", __name__, "thread_and_depth", []) != (
        threading.get_ident()
    )


def thread_and_depth() -> int:
    return threading.get_ident()


async def test_an_async_function_calls_back_without_the_loops_help() -> None:
    """No thread waits for the function's process. So the loop goes on, and a context runs the
    request.
    """
    threads = await asyncio.gather(
        *(erlang.async_call("py_call", __name__, "thread_and_depth", []) for _ in range(20))
    )
    assert threading.get_ident() not in threads


async def test_contexts_that_wait_for_erlang_do_not_starve_others() -> None:
    calls = [erlang.async_call("py_call", __name__, "through_contexts", [4]) for _ in range(4)]
    assert await asyncio.gather(*calls) == [5] * 4


def through_contexts(depth: int) -> int:
    if depth == 0:
        return 1
    return 1 + int(erlang.call("py_call_elsewhere", __name__, "through_contexts", [depth - 1]))


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def run_answer() -> int:
    coroutine = answer()
    try:
        return asyncio.run(coroutine)
    finally:
        coroutine.close()


@pytest.mark.filterwarnings("ignore::erlang.BlockingCallWarning")
async def test_asyncio_run_fails_in_a_request_of_a_call_that_blocks_a_loop() -> None:
    """The request runs on the thread that waits, which runs a loop already. README says so."""
    said = "cannot be called from a running event loop"
    with pytest.raises(erlang.Error, match=said):
        erlang.call("py_call", __name__, "run_answer", [])
    readme = " ".join(Path("README.md").read_text().split())
    assert f'where `asyncio.run` fails: "{said}"' in readme
    assert await erlang.async_call("py_call", __name__, "run_answer", []) == 42


def test_an_inner_call_that_times_out_leaves_the_outer_one_alone(tag: str) -> None:
    assert erlang.call("py_call", __name__, "inner_timeout", [tag]) == "Timeout, then 42"


def inner_timeout(tag: str) -> str:
    try:
        erlang.call("wait_forever", tag, timeout=0.05)
    except erlang.Timeout as error:
        return f"{type(error).__name__}, then {erlang.call('double_it', 21)}"
    return "no timeout"


def test_python_code_that_nobody_waits_for_is_interrupted(tag: str) -> None:
    result = erlang.call("py_call_abandoned", __name__, "wait_in_erlang", [tag], 100)
    assert result == (erlang.Atom("error"), erlang.Atom("timeout"))
    pid = erlang.call("await_published", tag, 5000)
    assert erlang.call("await_end", pid, 5000)


def wait_in_erlang(tag: str) -> object:
    return erlang.call("wait_forever", tag)


class Alarm(BaseException):
    """Raised by a signal handler, as KeyboardInterrupt is for Ctrl-C."""


def call_slow() -> object:
    return erlang.call("slow", 20_000)


def test_a_signal_in_a_nested_call_ends_the_calls_further_out_too() -> None:
    def raise_alarm(_signal: int, _frame: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, raise_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Alarm):
            erlang.call("py_call", __name__, "call_slow", [])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert erlang.call("double_it", 21) == 42
