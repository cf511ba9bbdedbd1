# SPDX-License-Identifier: Apache-2.0
"""Greenlets: calls that wait on one thread, on several C stacks, and end in any order."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import gevent
import greenlet
import pytest
from sqlalchemy import Integer, String, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.util import await_only, greenlet_spawn

import erlang

ROUNDS = 20


def switched(value: int) -> int:
    """Called by Erlang on the waiting thread. The parent greenlet goes on first."""
    parent = greenlet.getcurrent().parent
    assert parent is not None
    parent.switch()
    return value


def nested(value: int, timeout: float | None) -> object:
    return erlang.call("py_call", __name__, "switched", [value], timeout=timeout)


def in_new_thread(function: Callable[[], None]) -> None:
    """Run the function in a new thread. A call that waits for ever fails the test."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "a call waits for ever"
    if failures:
        raise failures[0]


def in_flight_at_last() -> int:
    """The number of calls in flight, once it is 0, or after ten seconds."""
    pause = threading.Event()
    for _ in range(1000):
        if erlang.stats()["in_flight"] == 0:
            break
        pause.wait(0.01)
    return erlang.stats()["in_flight"]


@pytest.mark.parametrize("timeout", [None, 50.0])
@pytest.mark.parametrize("count", [2, 5])
def test_calls_of_greenlets_end_in_the_order_of_their_beginning(
    count: int, timeout: float | None
) -> None:
    def work() -> None:
        for _ in range(ROUNDS):
            ended: list[int] = []

            def one(value: int, ended: list[int] = ended) -> None:
                assert nested(value, timeout) == value
                ended.append(value)

            greenlets = [greenlet.greenlet(one) for _ in range(count)]
            for value, each in enumerate(greenlets):
                each.switch(value)
            for each in greenlets:
                each.switch()
            assert ended == list(range(count))
            assert all(each.dead for each in greenlets)
            # The thread's own calls work as before.
            assert erlang.call("double_it", 21) == 42

    in_new_thread(work)
    assert erlang.stats()["in_flight"] == 0


def test_calls_of_greenlets_end_in_any_order_at_several_depths() -> None:
    def work() -> None:
        ended: list[int] = []

        def one(value: int) -> None:
            for deeper in range(3):
                assert nested(value + deeper, None if deeper % 2 else 30.0) == value + deeper
            ended.append(value)

        greenlets = {value: greenlet.greenlet(one) for value in (10, 20, 30, 40)}
        for value, each in greenlets.items():
            each.switch(value)
        for value in (20, 40, 10, 30, 30, 10, 40, 20, 10, 20, 30, 40):
            greenlets[value].switch()
        assert ended == [10, 20, 30, 40]

    in_new_thread(work)
    assert erlang.stats()["in_flight"] == 0


def test_a_call_of_another_greenlet_may_run_out_of_time_meanwhile() -> None:
    def work() -> None:
        outcomes: list[object] = []

        def one() -> None:
            try:
                outcomes.append(nested(1, 0.05))
            except erlang.Timeout as failure:
                outcomes.append(type(failure))

        other = greenlet.greenlet(one)
        other.switch()
        with pytest.raises(erlang.Timeout):
            erlang.call("wait_forever", "meanwhile", timeout=0.2)
        other.switch()
        # The answer came in time or too late, but the call ended once.
        assert outcomes in ([1], [erlang.Timeout])
        assert erlang.call("double_it", 4) == 8

    in_new_thread(work)
    assert erlang.stats()["in_flight"] == 0


def test_a_thread_that_ends_with_a_greenlet_inside_leaves_nothing() -> None:
    kept = []

    def work() -> None:
        never_goes_on = greenlet.greenlet(lambda: nested(1, None))
        never_goes_on.switch()
        assert erlang.stats()["in_flight"] == 1
        kept.append(never_goes_on)

    for _ in range(5):
        in_new_thread(work)
        # A thread may end shortly after `join` returns.
        assert in_flight_at_last() == 0
    # No channel is in use twice.
    in_new_thread(lambda: [erlang.call("double_it", n) for n in range(100)] and None)


outcomes: list[str] = []


def outlives_its_time() -> None:
    """Switch the thread away. When this code goes on, its request has timed out."""
    try:
        parent = greenlet.getcurrent().parent
        assert parent is not None
        parent.switch()
        outcomes.append("goes on")
        while True:
            sum(range(100))
    except erlang.Interrupted:
        outcomes.append("interrupted")
        raise


def run_out_of_time(function: str) -> object:
    """Make a request that goes on although its caller no longer waits."""
    return erlang.call("py_call_timed", __name__, function, [], 50)


# The outermost code of the greenlet is a Python function, or a native function.
CALLERS: dict[str, Callable[[str], Callable[[], object]]] = {
    "python": lambda function: lambda: run_out_of_time(function),
    "native": lambda function: partial(erlang.call, "py_call_timed", __name__, function, [], 50),
}


@pytest.fixture(params=list(CALLERS))
def limited(request: pytest.FixtureRequest) -> Callable[[str], Callable[[], object]]:
    return CALLERS[request.param]


def test_a_time_limit_interrupts_no_other_greenlet(
    limited: Callable[[str], Callable[[], object]],
) -> None:
    outcomes.clear()

    def work() -> None:
        late = greenlet.greenlet(limited("outlives_its_time"))
        late.switch()
        # This code belongs to no request. Meanwhile the other greenlet's limit passes.
        erlang.call("slow", 100)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            sum(range(100))
        outcomes.append("not interrupted")
        # Another request is not interrupted either.
        assert nested_in_line(7) == 7
        assert late.switch() == (erlang.Atom("error"), erlang.Atom("timeout"))
        assert late.dead
        assert erlang.call("double_it", 21) == 42

    in_new_thread(work)
    # Where CPython allows it, the function does not even go on.
    assert [each for each in outcomes if each != "goes on"] == ["not interrupted", "interrupted"]
    assert erlang.stats()["in_flight"] == 0


def busy_for_a_while(value: int) -> int:
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        sum(range(100))
    return value


def nested_in_line(value: int) -> object:
    return erlang.call("py_call", __name__, "busy_for_a_while", [value])


def slept_in_gevent(value: int) -> int:
    gevent.sleep(0.001 * (value % 3))
    return value


def test_greenlets_of_gevent_are_called_back_in_any_order() -> None:
    def work() -> None:
        try:
            jobs = [
                gevent.spawn(erlang.call, "py_call", __name__, "slept_in_gevent", [value])
                for value in range(50)
            ]
            gevent.joinall(jobs, timeout=50)
            assert [job.value for job in jobs] == list(range(50))
        finally:
            gevent.get_hub().destroy(destroy_loop=True)

    in_new_thread(work)
    assert erlang.stats()["in_flight"] == 0


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(30))


def slept(value: int) -> int:
    """Called by Erlang on the loop's thread, in a greenlet of SQLAlchemy. The loop goes on."""
    await_only(asyncio.sleep(0.001 * (value % 3)))
    return value


class Pause:
    """An interruption may prevent the await of this object. A coroutine would then warn."""

    def __await__(self) -> Generator[Any, None, None]:
        return asyncio.sleep(0.001).__await__()


def awaits_for_ever() -> None:
    try:
        while True:
            await_only(Pause())
    except erlang.Interrupted:
        outcomes.append("interrupted")
        raise


@pytest.mark.filterwarnings("ignore::erlang.BlockingCallWarning")
async def test_a_time_limit_in_a_session_cancels_no_task_of_the_loop(
    limited: Callable[[str], Callable[[], object]],
) -> None:
    outcomes.clear()
    session = asyncio.create_task(greenlet_spawn(limited("awaits_for_ever")))
    other = asyncio.create_task(asyncio.sleep(0.3, "undisturbed"))
    # The test itself is the loop's main task.
    assert await session == (erlang.Atom("error"), erlang.Atom("timeout"))
    assert await other == "undisturbed"
    assert outcomes == ["interrupted"]


@pytest.mark.filterwarnings("ignore::erlang.BlockingCallWarning")
async def test_sessions_of_sqlalchemy_call_erlang_and_are_called_back() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    def in_session(session: Session, value: int) -> object:
        session.add(User(name=str(erlang.call("echo", value))))
        session.flush()
        return erlang.call("py_call", __name__, "slept", [value])

    async def one(value: int) -> object:
        async with AsyncSession(engine) as session:
            return await session.run_sync(in_session, value)

    assert await asyncio.gather(*(one(value) for value in range(20))) == list(range(20))
    async with AsyncSession(engine) as session:
        session.add(User(name=await erlang.async_call("echo", "kept")))
        await session.commit()
        names = (await session.scalars(select(User.name))).all()
        assert (await session.execute(text("select 1"))).scalar() == 1
    assert "kept" in names
    await engine.dispose()
    assert erlang.stats()["in_flight"] == 0
