# SPDX-License-Identifier: Apache-2.0
"""Interruptions of threads that belong to no context."""

import _thread
import contextlib
import re
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import greenlet
import pytest

import _erlang
import erlang
from erlang import _interruption
from erlang.testing import becomes_true


def switches_away() -> None:
    """Its caller has no more time when it goes on, if it ever does."""
    parent = greenlet.getcurrent().parent
    assert parent is not None
    parent.switch()


def leave_greenlet_behind() -> object:
    """The thread is to be interrupted in a greenlet that never goes on."""
    call = lambda: erlang.call("py_call_timed", __name__, "switches_away", [], 50)  # noqa: E731
    late = greenlet.greenlet(call)
    late.switch()
    return late


def wakeups_of_janitor() -> int:
    """How often the thread that interrupts others has slept until now."""
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text() == "py-janitor\n":
            status = (task / "status").read_text()
            found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.MULTILINE)
            assert found is not None
            return int(found[1])
    raise AssertionError("there is no thread py-janitor")


def janitor_works() -> bool:
    """It looks at a thread a hundred times a second."""
    before = wakeups_of_janitor()
    time.sleep(0.3)
    return wakeups_of_janitor() - before > 2


@contextlib.contextmanager
def gil_kept() -> Generator[Callable[[], None], None, None]:
    """Other threads get the GIL only when this thread waits. The value lets threads do the rest."""

    def run_others() -> None:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        yield run_others
    finally:
        sys.setswitchinterval(interval)


def test_an_interruption_does_not_outlive_its_thread() -> None:
    """The next thread often gets the ident of the ended thread."""
    kept: list[object] = []
    idents: list[int] = []
    end = threading.Event()

    def ends_too_early(goes_on: threading.Event) -> None:
        kept.append(leave_greenlet_behind())
        goes_on.wait(60)

    def other() -> None:
        idents.append(threading.get_ident())
        end.wait(60)

    def follow(thread: threading.Thread, goes_on: threading.Event) -> None:
        with gil_kept() as run_others:
            goes_on.set()
            thread.join(60)
            run_others()
            _thread.start_new_thread(other, ())
            run_others()

    try:
        for _ in range(20):
            goes_on = threading.Event()
            thread = threading.Thread(target=ends_too_early, args=[goes_on], daemon=True)
            thread.start()
            assert becomes_true(janitor_works)
            follow(thread, goes_on)
            assert becomes_true(lambda: not janitor_works())
            if thread.ident in idents:
                break
        else:
            raise AssertionError("no thread got the ident of the one before")
    finally:
        end.set()
    assert becomes_true(lambda: erlang.stats()["in_flight"] == 0)


@contextlib.contextmanager
def stacks_of(megabytes: int) -> Generator[None, None, None]:
    before = threading.stack_size(megabytes * 1024 * 1024)
    try:
        yield
    finally:
        threading.stack_size(before)


looked_at = threading.Event()


def goes_on_until_looked_at() -> None:
    looked_at.wait(20)


def spins() -> None:
    while True:
        pass


def call_timed(function: str) -> Callable[[], object]:
    return lambda: erlang.call("py_call_timed", __name__, function, [], 50)


def run_to_its_end(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(20)
    assert becomes_true(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())


def test_a_thread_may_end_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    used_by = _interruption._used_by

    def slow(clock: int | None) -> float:
        looked_at.set()
        ended.wait(20)
        return used_by(clock)

    with monkeypatch.context() as patched:
        patched.setattr(_interruption, "_used_by", slow)
        looked_at.clear()
        with stacks_of(64):
            run_to_its_end(call_timed("goes_on_until_looked_at"))
        assert looked_at.is_set()
        # glibc frees the memory of so large a stack when threads with larger ones end.
        with stacks_of(128):
            for _ in range(4):
                run_to_its_end(lambda: None)
        ended.set()
        assert becomes_true(lambda: not janitor_works())
    # The next thread is interrupted as before.
    run_to_its_end(call_timed("spins"))


def test_each_interruption_wakes_a_call(tag: str) -> None:
    """The second interruption comes a second after the first one, while the call waits."""
    threads: list[tuple[int, int | None]] = []
    outcomes: list[str] = []
    ready = threading.Event()
    blocked = threading.Lock()
    blocked.acquire()

    def work() -> None:
        threads.append(_erlang.this_thread())
        try:
            ready.set()
            blocked.acquire()
            while True:
                pass
        except erlang.Interrupted:
            outcomes.append("first")
        try:
            erlang.call("wait_forever", tag)
        except erlang.Interrupted:
            outcomes.append("second")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(20)
    _erlang.interrupt_thread(threads[0])
    _erlang.interrupt_thread(threads[0])
    blocked.release()
    thread.join(20)
    assert outcomes == ["first", "second"]


interrupted: list[str] = []


def waits(frame: FrameType, event: str, argument: object) -> None:
    """A trace function, which runs when a request begins."""
    sys.settrace(None)
    try:
        # With a limit, the end of this call does not end the calls around it.
        erlang.call("wait_forever", f"traced {threading.get_ident()}", timeout=60)
    except erlang.Interrupted:
        interrupted.append("inner")


def calls_what_fails() -> None:
    threading.settrace(waits)
    try:
        erlang.call("py_call_improper", "math", "sqrt")
        interrupted.append("nobody")
    except erlang.Interrupted:
        interrupted.append("outer")
    finally:
        threading.settrace(None)  # type: ignore[arg-type]


def calls_deeper() -> None:
    try:
        erlang.call("py_call", __name__, "calls_what_fails", [])
    except erlang.Interrupted:
        interrupted.append("outermost")


def test_a_request_that_fails_before_it_runs_takes_no_interruption_from_others() -> None:
    interrupted.clear()
    answer = erlang.call("py_call_abandoned", __name__, "calls_deeper", [], 200)
    assert answer == (erlang.Atom("error"), erlang.Atom("timeout"))
    expected = ["inner", "outer", "outermost"]
    assert becomes_true(lambda: interrupted == expected), interrupted
