# SPDX-License-Identifier: Apache-2.0
"""Calls begin, get replies, are cancelled, time out and lose their Erlang process, in any order.

A model knows how each call may end by now. Each call ends in such a way, once, and never without a
reason.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import erlang
from erlang.testing import becomes_true

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# In milliseconds and in seconds: the time in which expected events happen on a busy machine.
SOON = 10_000
SOON_SECONDS = 10.0
THREADS = 4

_numbers = itertools.count()


@dataclass
class Begun:
    """A call that waits in Erlang, and the ways in which it may end by now."""

    call: "erlang.Call[object] | Future[object]"
    # `None`: the call timed out before its process reported.
    pid: erlang.Pid | None
    timed: bool = False
    may_end: set[object] = field(default_factory=set)

    @property
    def of_a_loop(self) -> bool:
        return isinstance(self.call, erlang.Call)


class CallLifeCycle(RuleBasedStateMachine):
    def __init__(self, factory: LoopFactory) -> None:
        super().__init__()
        self.factory = factory
        self.runner = asyncio.Runner(loop_factory=factory)
        self.pool = ThreadPoolExecutor(THREADS)
        self.begun: list[Begun] = []

    # Beginnings.

    @rule(timeout=st.sampled_from([None, None, 0.02]))
    def begin_on_the_loop(self, timeout: float | None) -> None:
        async def begin() -> Begun:
            tag = f"life-{next(_numbers)}"
            call = erlang.async_call("wait_forever", tag, timeout=timeout)
            published = erlang.async_call("await_published", tag, SOON)
            call.add_done_callback(lambda _: published.cancel())
            try:
                pid = await published
            except asyncio.CancelledError:
                assert timeout is not None
                assert type(call.exception()) is erlang.Timeout
                pid = None
            return Begun(call, pid, timed=timeout is not None)

        self.begun.append(self.run(begin()))

    @precondition(lambda self: self.threads_at_work() < THREADS)
    @rule()
    def begin_in_a_thread(self) -> None:
        tag = f"life-{next(_numbers)}"
        call = self.pool.submit(erlang.call, "wait_forever", tag)
        self.begun.append(Begun(call, erlang.call("await_published", tag, SOON)))

    # Events of calls.

    @precondition(lambda self: self.targets())
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        begun = data.draw(st.sampled_from(self.targets()))
        value = next(_numbers)
        # The drawn events must not depend on time. So a call without a process is drawn too.
        if begun.pid is not None:
            erlang.call("release", begun.pid, value)
        begun.may_end.add(value)

    @precondition(lambda self: any(each.of_a_loop for each in self.begun))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        begun = data.draw(st.sampled_from([each for each in self.begun if each.of_a_loop]))
        if begun.call.cancel():
            begun.may_end = {asyncio.CancelledError}
            self.await_end(begun)

    @precondition(lambda self: self.targets())
    @rule(data=st.data())
    def kill_who_works_on_it(self, data: st.DataObject) -> None:
        begun = data.draw(st.sampled_from(self.targets()))
        assert begun.pid is None or erlang.call("stop_process", begun.pid)
        begun.may_end.add(erlang.Disconnected)

    @precondition(lambda self: any(each.of_a_loop for each in self.begun))
    @rule()
    def kill_the_loops_handler(self) -> None:
        async def kill() -> None:
            try:
                await erlang.async_call("kill_handler")
            except erlang.Disconnected:
                return
            raise AssertionError("the handler lives")

        self.run(kill())
        for begun in self.begun:
            if begun.of_a_loop:
                begun.may_end.add(erlang.Disconnected)

    @rule()
    def close_the_loop(self) -> None:
        """The calls end with the loop. The test cannot see how."""
        closed = [each for each in self.begun if each.of_a_loop]
        self.begun = [each for each in self.begun if not each.of_a_loop]
        self.runner.close()
        for begun in closed:
            self.await_end(begun)
        self.runner = asyncio.Runner(loop_factory=self.factory)

    # Ends.

    @precondition(lambda self: any(each.may_end or each.timed for each in self.begun))
    @rule(data=st.data())
    def await_one(self, data: st.DataObject) -> None:
        ending = [each for each in self.begun if each.may_end or each.timed]
        self.end(data.draw(st.sampled_from(ending)))

    @invariant()
    def none_ends_without_a_reason(self) -> None:
        self.run(asyncio.sleep(0))
        for begun in self.begun:
            if not begun.may_end and not begun.timed:
                assert not begun.call.done(), begun

    def teardown(self) -> None:
        try:
            for begun in list(self.begun):
                if not begun.may_end and not begun.timed:
                    value = next(_numbers)
                    erlang.call("release", begun.pid, value)
                    begun.may_end.add(value)
                self.end(begun)
        finally:
            self.leave_nobody_waiting()
        self.pool.shutdown()
        assert becomes_true(lambda: erlang.stats()["in_flight"] == 0)

    def leave_nobody_waiting(self) -> None:
        """End all calls, also after a failure: the interpreter ends only after the threads of the
        pool.
        """
        for begun in self.begun:
            if begun.pid is not None:
                erlang.call("stop_process", begun.pid)
        self.runner.close()

    def end(self, begun: Begun) -> None:
        end = self.end_of(begun.call)
        self.begun.remove(begun)
        allowed = begun.may_end | ({erlang.Timeout} if begun.timed else set())
        assert (type(end) if isinstance(end, BaseException) else end) in allowed, (end, begun)
        # The process of a thread's call is its handler, which goes on.
        if begun.of_a_loop:
            self.await_end(begun)

    def await_end(self, begun: Begun) -> None:
        assert begun.pid is None or erlang.call("await_end", begun.pid, SOON)

    def end_of(self, call: "erlang.Call[object] | Future[object]") -> object:
        async def wait() -> object:
            assert isinstance(call, erlang.Call)
            async with asyncio.timeout(SOON_SECONDS):
                return await call

        try:
            return call.result(SOON_SECONDS) if isinstance(call, Future) else self.run(wait())
        except (erlang.Error, asyncio.CancelledError) as error:
            return error

    def targets(self) -> list[Begun]:
        """One process works on all calls of a thread, and may later belong to another thread."""
        return [each for each in self.begun if each.of_a_loop or not each.may_end]

    def threads_at_work(self) -> int:
        return sum(not each.of_a_loop for each in self.begun)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)


def test_every_call_ends_once_and_as_the_model_says(loop_factory: LoopFactory) -> None:
    run_state_machine_as_test(
        lambda: CallLifeCycle(loop_factory),
        settings=settings(
            database=None,
            deadline=None,
            max_examples=60,
            # A call that never ends takes its whole deadline each time, so there is no search for a
            # shorter history.
            phases=[Phase.generate],
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
