# SPDX-License-Identifier: Apache-2.0
"""Loops begin, end, are closed during calls, or forgotten; many of them at once."""

import _thread
import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import erlang
from erlang.testing import Footprint, becomes_true

pytestmark = pytest.mark.channel

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def handlers() -> int:
    count = erlang.call("counts")["handlers"]
    assert isinstance(count, int)
    return count


async def echo(value: object) -> object:
    return await erlang.async_call("echo", value)


def test_300_fresh_loops_leave_nothing(loop_factory: LoopFactory) -> None:
    def run(number: int) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            assert runner.run(echo(number)) == number

    run(-1)
    before = Footprint.now()
    counts = erlang.call("counts")
    for number in range(300):
        run(number)
    assert becomes_true(lambda: not Footprint.now().leaks_since(before))
    assert becomes_true(lambda: Footprint.now().channels <= before.channels)
    assert becomes_true(lambda: erlang.call("counts")["processes"] <= counts["processes"])
    assert becomes_true(lambda: erlang.call("counts")["memory"] < counts["memory"] + 4_000_000)


def test_asyncio_run_starts_fresh_loops_too() -> None:
    for number in range(20):
        assert asyncio.run(echo(number)) == number


def test_a_loop_that_stops_right_after_a_call_finds_the_reply_later(
    loop_factory: LoopFactory,
) -> None:
    """The loop stops before it could look for the reply, and stands still when the reply comes."""

    async def begin(number: int) -> asyncio.Future[object]:
        return erlang.async_call("echo", number)

    async def both(call: asyncio.Future[object]) -> list[object]:
        return await asyncio.gather(call, echo("another"))

    async def only(call: asyncio.Future[object]) -> object:
        return await call

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(echo("first"))
        for number in range(100):
            call = runner.run(begin(number))
            erlang.call("echo", "meanwhile")
            if number % 2:
                assert runner.run(only(call)) == number
            else:
                assert runner.run(both(call)) == [number, "another"]


def test_one_loop_run_again_and_again(loop_factory: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        before = erlang.stats()["channels"]
        for number in range(100):
            assert runner.run(echo(number)) == number
        assert erlang.stats()["channels"] <= before + 1


def test_a_loop_closed_with_calls_in_flight(
    loop_factory: LoopFactory, tag: str, recwarn: pytest.WarningsRecorder
) -> None:
    loop = loop_factory()
    pids: list[object] = []

    async def begin() -> list[erlang.Call[object]]:
        calls = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(20)]
        begun = [erlang.async_call("await_published", f"{tag}/{n}", 5000) for n in range(20)]
        pids.extend(await asyncio.gather(*begun))
        return calls

    before = handlers()
    calls = loop.run_until_complete(begin())
    loop.close()
    del loop
    assert not any(call.done() for call in calls)
    del calls
    gc.collect()
    for pid in pids:
        assert erlang.call("await_end", pid, 5000)
    assert becomes_true(lambda: handlers() <= before)
    assert not recwarn.list


def test_closing_a_loop_ends_its_calls_at_once(loop_factory: LoopFactory, tag: str) -> None:
    """This needs no garbage collection and no other loop."""
    loop = loop_factory()

    async def begin() -> tuple[erlang.Call[object], object]:
        call = erlang.async_call("wait_forever", tag)
        return call, await erlang.async_call("await_published", tag, 5000)

    gc.disable()
    try:
        call, pid = loop.run_until_complete(begin())
        loop.close()
        assert erlang.call("await_end", pid, 5000)
    finally:
        gc.enable()
    assert not call.done()
    assert "close" not in vars(loop)


def test_a_loop_that_runs_is_not_closed(loop_factory: LoopFactory) -> None:
    async def main() -> object:
        with pytest.raises(RuntimeError, match="running"):
            asyncio.get_running_loop().close()
        return await echo(1)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(echo(0)) == 0
        assert runner.run(main()) == 1


def test_closed_loops_that_are_kept_hold_no_channels(loop_factory: LoopFactory) -> None:
    """Caches of web frameworks keep loops for a long time."""
    kept = []

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            kept.append(runner.get_loop())
            assert runner.run(echo(1)) == 1

    run()
    before = Footprint.now()
    for _ in range(20):
        run()
    # The last closed loop is found when another loop begins.
    assert becomes_true(lambda: Footprint.now().channels <= before.channels)
    assert becomes_true(lambda: Footprint.now().descriptors <= before.descriptors)
    assert Footprint.now().loops == before.loops


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_never_closed_and_dropped(loop_factory: LoopFactory, tag: str) -> None:
    def use() -> tuple[weakref.ref[asyncio.AbstractEventLoop], object]:
        loop = loop_factory()

        async def begin() -> object:
            erlang.async_call("wait_forever", tag)
            return await erlang.async_call("await_published", tag, 5000)

        return weakref.ref(loop), loop.run_until_complete(begin())

    before = handlers()
    loop, pid = use()
    gc.collect()
    if (kept := loop()) is not None:
        # uvloop keeps its unclosed loops for ever, even loops that never called Erlang.
        assert type(kept).__module__ == "uvloop"
        kept.close()
        del kept
        gc.collect()
    assert loop() is None
    assert erlang.call("await_end", pid, 5000)
    assert becomes_true(lambda: handlers() <= before)


def test_many_loops_in_many_threads_at_once(loop_factory: LoopFactory) -> None:
    barrier = threading.Barrier(16)

    async def work(number: int) -> list[object]:
        calls = [erlang.async_call("echo", [number, step]) for step in range(200)]
        results = await asyncio.gather(*calls)
        for step in range(50):
            results.append(await erlang.async_call("echo", [number, 200 + step]))
        return results

    def run(number: int) -> list[object]:
        barrier.wait()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work(number))

    with ThreadPoolExecutor(16) as pool:
        for number, results in enumerate(pool.map(run, range(16))):
            assert results == [[number, step] for step in range(250)]


def test_both_kinds_of_loops_and_threads_at_once() -> None:
    import uvloop

    def calls(_: int) -> int:
        return sum(erlang.call("echo", n) for n in range(300))

    def loop(factory: LoopFactory) -> int:
        async def main() -> int:
            return sum(await asyncio.gather(*(erlang.async_call("echo", n) for n in range(300))))

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main())

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(calls, n) for n in range(4)]
        jobs += [pool.submit(loop, factory) for factory in (asyncio.new_event_loop,) * 2]
        jobs += [pool.submit(loop, factory) for factory in (uvloop.new_event_loop,) * 2]
        assert [job.result() for job in jobs] == [sum(range(300))] * 8


def test_a_loop_that_moves_to_another_thread(loop_factory: LoopFactory) -> None:
    loop = loop_factory()
    assert loop.run_until_complete(echo(1)) == 1
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(loop.run_until_complete, echo(2)).result() == 2
    assert loop.run_until_complete(echo(3)) == 3
    loop.close()


def test_a_thread_whose_first_function_runs_the_loop(loop_factory: LoopFactory) -> None:
    """For uvloop that is a C function, below which no Python code runs."""
    loop = loop_factory()
    _thread.start_new_thread(loop.run_forever, ())

    assert asyncio.run_coroutine_threadsafe(echo(1), loop).result(10) == 1
    loop.call_soon_threadsafe(loop.stop)
    assert becomes_true(lambda: not loop.is_running())
    loop.close()


def test_threads_hand_coroutines_to_a_loop(loop_factory: LoopFactory) -> None:
    loop = loop_factory()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    futures = [asyncio.run_coroutine_threadsafe(echo(n), loop) for n in range(100)]
    assert [future.result() for future in futures] == list(range(100))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_call_of_a_closed_loop_can_still_be_cancelled(
    loop_factory: LoopFactory, tag: str
) -> None:
    loop = loop_factory()

    async def begin() -> tuple[erlang.Call[object], object]:
        call = erlang.async_call("wait_forever", tag)
        return call, await erlang.async_call("await_published", tag, 5000)

    call, pid = loop.run_until_complete(begin())
    loop.close()
    assert call.cancel()
    assert erlang.call("await_end", pid, 5000)


def test_calls_left_over_by_run_are_cancelled(loop_factory: LoopFactory, tag: str) -> None:
    """asyncio cancels the remaining tasks, and so the calls that they wait for."""
    tasks = []

    async def main() -> object:
        async def wait() -> object:
            return await erlang.async_call("wait_forever", tag)

        tasks.append(asyncio.create_task(wait()))
        return await erlang.async_call("await_published", tag, 5000)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        pid = runner.run(main())
    assert tasks[0].cancelled()
    assert erlang.call("await_end", pid, 5000)
