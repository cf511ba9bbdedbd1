# SPDX-License-Identifier: Apache-2.0
"""Threads come and go. However they end, their channels and handlers are given back."""

import _thread
import threading

import pytest
from usage import MEGABYTE, Usage, assert_flat_since

import erlang
from erlang.testing import Footprint, becomes_true

pytestmark = pytest.mark.channel


def call_in_new_threads(count: int, at_once: int = 8) -> None:
    results: list[int] = []
    for _ in range(count // at_once):
        threads = [
            threading.Thread(target=lambda: results.append(erlang.call("add_one", 1)))
            for _ in range(at_once)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [2] * (count // at_once * at_once)


def test_3_000_threads_come_and_gone_leave_nothing() -> None:
    call_in_new_threads(400)
    before, usage = Footprint.now(), Usage.now()
    call_in_new_threads(3000)
    assert becomes_true(lambda: not Footprint.now().leaks_since(before))
    # Kept channels alone must not explain the figures: there are no more of them than before.
    assert becomes_true(lambda: Footprint.now().channels <= before.channels + 8)
    # A kilobyte lost with each thread would be three megabytes.
    assert_flat_since(usage, resident=16 * MEGABYTE, kept_channels=8)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_by_an_exception_gives_its_channel_back() -> None:
    def work() -> None:
        erlang.call("echo", 1)
        raise RuntimeError("the end of this thread")

    before = erlang.stats()
    for _ in range(20):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert becomes_true(
        lambda: (
            erlang.stats()["channels"] - erlang.stats()["pooled_channels"]
            <= before["channels"] - before["pooled_channels"]
        )
    )


def test_a_thread_whose_last_call_failed_gives_its_channel_back(tag: str) -> None:
    def work(number: int) -> None:
        with pytest.raises(erlang.Timeout):
            erlang.call("wait_forever", f"{tag}/{number}", timeout=0.01)
        with pytest.raises(erlang.Disconnected):
            erlang.call("kill_self")

    before = erlang.stats()
    for number in range(20):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        thread.join()
    assert becomes_true(
        lambda: (
            erlang.stats()["channels"] - erlang.stats()["pooled_channels"]
            <= before["channels"] - before["pooled_channels"]
        )
    )


def test_threads_of_the_low_level_module_call() -> None:
    ended = threading.Event()
    results: list[int] = []

    def work() -> None:
        results.append(erlang.call("double_it", 21))
        ended.set()

    _thread.start_new_thread(work, ())
    assert ended.wait(10)
    assert results == [42]


def channels_in_use() -> int:
    stats = erlang.stats()
    return stats["channels"] - stats["pooled_channels"]


def test_a_channel_of_an_ended_thread_serves_the_next_one() -> None:
    in_use = channels_in_use()
    call_in_new_threads(1, at_once=1)
    assert becomes_true(lambda: channels_in_use() <= in_use)
    before = erlang.stats()["channels"]
    for _ in range(50):
        call_in_new_threads(1, at_once=1)
        # A thread gives its channel back a little after `join` returns.
        assert becomes_true(lambda: channels_in_use() <= in_use)
    assert erlang.stats()["channels"] <= before


def test_calls_from_destructors_while_a_thread_ends() -> None:
    results: list[int] = []

    class Noisy:
        def __del__(self) -> None:
            results.append(erlang.call("double_it", 21))

    def work() -> None:
        threading.local().noisy = Noisy()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert becomes_true(lambda: results == [42])


@pytest.mark.parametrize("kind", ["call", "timed call"])
def test_daemon_threads_that_wait_disturb_nobody(kind: str, tag: str) -> None:
    timeout = None if kind == "call" else 60
    thread = threading.Thread(
        target=lambda: erlang.call("wait_forever", tag, timeout=timeout), daemon=True
    )
    thread.start()
    pid = erlang.call("await_published", tag, 5000)
    assert erlang.call("double_it", 21) == 42
    erlang.call("release", pid, 1)
    thread.join()
