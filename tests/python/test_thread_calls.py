# SPDX-License-Identifier: Apache-2.0
"""erlang.call from every kind of Python thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import erlang

pytestmark = pytest.mark.channel


def test_the_main_thread_calls() -> None:
    assert threading.current_thread() is threading.main_thread()
    assert erlang.call("double_it", 21) == 42


def test_a_new_thread_calls() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(erlang.call("double_it", 21)))
    thread.start()
    thread.join()
    assert results == [42]


def test_a_pool_of_threads_calls() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(erlang.function("double_it"), range(10))) == list(range(0, 20, 2))


def test_a_context_thread_calls() -> None:
    assert erlang.call("py_call_elsewhere", __name__, "doubled_by_erlang", [21]) == 42


def doubled_by_erlang(value: int) -> object:
    assert threading.current_thread() is not threading.main_thread()
    return erlang.call("double_it", value)


def test_each_of_32_threads_gets_its_own_2000_results() -> None:
    barrier = threading.Barrier(32)

    def work(number: int) -> list[tuple[int, int]]:
        barrier.wait()
        return [
            (number, step)
            for step in range(2000)
            if erlang.call("echo", [number, step]) != [number, step]
        ]

    with ThreadPoolExecutor(32) as pool:
        assert [wrong for found in pool.map(work, range(32)) for wrong in found] == []


def test_sixteen_threads_wait_at_the_same_time(tag: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(erlang.call, "wait_forever", f"{tag}/{n}") for n in range(16)]
        pids = [erlang.call("await_published", f"{tag}/{n}", 5000) for n in range(16)]
        # All of them wait, and none can end by itself.
        assert not any(call.done() for call in waiting)
        for number, pid in enumerate(pids):
            erlang.call("release", pid, number)
        assert [call.result() for call in waiting] == list(range(16))


def test_pure_python_threads_run_while_others_wait(tag: str) -> None:
    waiting = threading.Thread(target=erlang.call, args=("wait_forever", tag))
    waiting.start()
    pid = erlang.call("await_published", tag, 5000)
    # The other thread is in its call and cannot return. If it held the GIL, this line would never
    # end.
    assert sum(range(100_000)) == 4999950000
    assert waiting.is_alive()
    erlang.call("release", pid, "go")
    waiting.join()


def test_the_wait_ends_with_the_timeout_and_the_erlang_process_with_it(tag: str) -> None:
    with pytest.raises(erlang.Timeout, match="wait_watched"):
        erlang.call("wait_watched", tag, timeout=0.05)
    # On a busy machine the function may be stopped before it begins.
    if erlang.call("await_published", tag, 0) is not None:
        assert erlang.call("await_published", f"end of {tag}", 5000) == "shutdown"


def test_a_call_after_one_that_timed_out_gets_its_own_result(tag: str) -> None:
    for number in range(20):
        with pytest.raises(TimeoutError):
            erlang.call("wait_forever", f"{tag}/{number}", timeout=0.001)
        assert erlang.call("echo", number) == number


def test_a_timeout_that_does_not_run_out_changes_nothing() -> None:
    assert erlang.call("slow", 10, timeout=30) == 10
    assert erlang.call("echo", 1, timeout=1e12) == 1


@pytest.mark.parametrize("timeout", [0, 0.0, -1.0])
def test_no_time_at_all_is_a_timeout(timeout: float) -> None:
    with pytest.raises((erlang.Timeout, ValueError)):
        erlang.call("slow", 1000, timeout=timeout)


@pytest.mark.parametrize("timeout", ["1", [], float("nan")])
def test_a_timeout_that_is_no_number_is_refused(timeout: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        erlang.call("echo", 1, timeout=timeout)


@pytest.mark.parametrize("timeout", [10**400, -(10**400)])
def test_a_timeout_beyond_all_floats_is_refused_with_the_limit(timeout: int) -> None:
    with pytest.raises(ValueError, match=r"must be between -1\.79e308 and 1\.79e308 seconds"):
        erlang.call("echo", 1, timeout=timeout)


@pytest.mark.parametrize("name", [b"echo", None, 1])
def test_a_name_that_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(TypeError):
        erlang.call(name, 1)  # type: ignore[arg-type]


def test_calls_without_a_name_are_refused() -> None:
    with pytest.raises(TypeError):
        erlang.call()  # type: ignore[call-arg]


def test_unknown_keywords_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        erlang.call("echo", 1, colour="red")  # type: ignore[call-arg]
