# SPDX-License-Identifier: Apache-2.0
"""erlang.map and erlang.starmap, on both loops."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import erlang

pytestmark = pytest.mark.channel


async def ends_of(tags: list[str]) -> list[object]:
    return [await erlang.async_call("await_published", f"end of {tag}", 5000) for tag in tags]


async def running(tags: list[str]) -> list[erlang.Pid]:
    return [await erlang.async_call("await_published", tag, 5000) for tag in tags]


async def test_the_results_are_in_the_order_of_the_items() -> None:
    assert await erlang.map("double_it", [1, 2, 3]) == [2, 4, 6]


async def test_an_empty_iterable_gives_an_empty_list() -> None:
    assert await erlang.map("double_it", []) == []
    assert await erlang.starmap("add", iter(())) == []


async def test_10_000_items() -> None:
    assert await erlang.map("echo", range(10_000)) == list(range(10_000))


async def test_starmap_gives_each_call_all_arguments() -> None:
    assert await erlang.starmap("add", [(1, 2), [3, 4]]) == [3, 7]
    assert await erlang.starmap("args", [(), "ab", (x for x in (1, 2, 3))]) == [
        [],
        ["a", "b"],
        [1, 2, 3],
    ]


async def test_map_gives_each_call_one_argument() -> None:
    assert await erlang.map("args", [(1, 2), None, []]) == [[(1, 2)], [None], [[]]]


async def test_any_iterable_is_read_once_before_the_map_returns() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(3):
            read.append(number)
            yield number

    call = erlang.map("double_it", items())
    assert read == [0, 1, 2]
    assert await call == [0, 2, 4]
    assert read == [0, 1, 2]


async def test_an_iterable_may_call_erlang_while_it_is_read() -> None:
    calls = []

    def items() -> Iterator[int]:
        for number in range(3):
            calls.append(erlang.async_call("echo", number))
            yield number

    assert await erlang.map("double_it", items()) == [0, 2, 4]
    assert await asyncio.gather(*calls) == [0, 1, 2]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(delays=st.lists(st.integers(0, 3), max_size=40), concurrency=st.none() | st.integers(1, 9))
def test_results_are_in_order_whichever_item_ends_first(
    delays: list[int], concurrency: int | None
) -> None:
    async def mapped() -> list[int]:
        return await erlang.map("slow", delays, concurrency=concurrency)

    assert asyncio.run(mapped()) == delays


async def test_an_item_that_ends_last_does_not_move(tag: str) -> None:
    call = erlang.starmap("wait_forever", [(f"{tag}/{n}",) for n in range(3)])
    pids = await running([f"{tag}/{n}" for n in range(3)])
    for number in (2, 0, 1):
        await erlang.async_call("release", pids[number], number)
    assert await call == [0, 1, 2]


async def test_each_item_has_a_process_of_its_own() -> None:
    pids = await erlang.starmap("self", [()] * 50)
    assert len(set(pids)) == 50


async def test_concurrency_bounds_the_items_that_run(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(3)]
    call = erlang.map("wait_forever", tags, concurrency=2)
    first, second = await running(tags[:2])
    assert await erlang.async_call("await_published", tags[2], 50) is None
    await erlang.async_call("release", second, "second")
    (third,) = await running(tags[2:])
    await erlang.async_call("release", third, "third")
    await erlang.async_call("release", first, "first")
    assert await call == ["first", "second", "third"]


async def test_one_item_at_a_time() -> None:
    assert await erlang.map("double_it", range(200), concurrency=1) == list(range(0, 400, 2))


@pytest.mark.parametrize("concurrency", [0, -1, -(10**30)])
async def test_a_concurrency_below_one_is_refused(concurrency: int) -> None:
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        erlang.map("echo", [1], concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1.5, "2", True])
async def test_a_concurrency_that_is_no_number_is_refused(concurrency: object) -> None:
    with pytest.raises(TypeError, match="concurrency must be a number of items"):
        erlang.map("echo", [1], concurrency=concurrency)  # type: ignore[arg-type]


async def test_a_huge_concurrency_is_no_limit() -> None:
    assert await erlang.map("echo", range(100), concurrency=10**30) == list(range(100))


# Failures.


async def test_a_failure_has_the_same_attributes_as_that_of_a_call_and_names_the_item() -> None:
    with pytest.raises(erlang.Error) as of_call:
        await erlang.async_call("maybe_fail", 11)
    with pytest.raises(erlang.Error) as of_map:
        await erlang.map("maybe_fail", [1, 11, 2])
    call, mapped = of_call.value, of_map.value
    assert type(mapped) is type(call)
    assert str(mapped) == str(call)
    for name in ("kind", "reason", "function", "stacktrace"):
        assert getattr(mapped, name) == getattr(call, name)
    assert mapped.__notes__[:-1] == call.__notes__
    assert mapped.__notes__[-1].startswith("The call for item 1 failed.")


async def test_the_first_failure_stops_the_rest(tag: str) -> None:
    watched = [f"{tag}/{n}" for n in range(3)]
    items = [("wait_watched", watched_tag) for watched_tag in watched]
    call = erlang.starmap("call_probe", [*items, ("fail_when_told", tag)])
    await running(watched)
    (failing,) = await running([tag])
    await erlang.async_call("release", failing, "reason")
    with pytest.raises(erlang.Error) as caught:
        await call
    assert caught.value.reason == "reason"
    assert caught.value.__notes__[-1].startswith("The call for item 3 failed.")
    assert await ends_of(watched) == ["shutdown"] * 3


async def test_a_failure_starts_no_further_item(tag: str) -> None:
    items = [("fail_with", "reason"), ("wait_forever", tag)]
    with pytest.raises(erlang.Error, match="reason"):
        await erlang.starmap("call_probe", items, concurrency=1)
    assert await erlang.async_call("await_published", tag, 0) is None


async def test_throw_and_exit_keep_their_kinds() -> None:
    with pytest.raises(erlang.Error) as thrown:
        await erlang.map("throw_it", [1])
    with pytest.raises(erlang.Error) as exited:
        await erlang.map("exit_with", [1])
    assert (thrown.value.kind, exited.value.kind) == ("throw", "exit")


async def test_an_unknown_function_is_no_failure_of_an_item() -> None:
    with pytest.raises(erlang.UndefinedFunction) as caught:
        await erlang.map("no_such_function", [1, 2])
    assert not hasattr(caught.value, "__notes__")


async def test_an_item_whose_process_dies_ends_the_map() -> None:
    items = [("echo", 1), ("kill_self",)]
    with pytest.raises(erlang.Disconnected, match="killed") as caught:
        await erlang.starmap("call_probe", items)
    assert caught.value.__notes__ == [
        "The call for item 1 failed. The calls for the other items are stopped."
    ]


async def test_a_dead_map_is_disconnected_and_leaves_no_item(tag: str) -> None:
    # For an item, the linked process is the map.
    with pytest.raises(erlang.Disconnected, match="killed"):
        await erlang.starmap("call_probe", [("ignore_shutdown", tag), ("kill_handler",)])
    (pid,) = await running([tag])
    assert await erlang.async_call("await_end", pid, 5000)


async def test_the_death_of_the_handler_disconnects_the_map_and_leaves_no_item(tag: str) -> None:
    call = erlang.map("ignore_shutdown", [tag])
    (pid,) = await running([tag])
    with pytest.raises(erlang.Disconnected):
        await erlang.async_call("kill_handler")
    with pytest.raises(erlang.Disconnected):
        await call
    assert await erlang.async_call("await_end", pid, 5000)


async def test_a_result_without_a_python_value_names_its_place() -> None:
    items = [("echo", 1), ("improper",)]
    with pytest.raises(TypeError, match=r"result\[1\]\[1\]\['k'\]"):
        await erlang.starmap("call_probe", items)


# Arguments.


async def test_an_item_that_cannot_be_converted_names_its_place() -> None:
    with pytest.raises(TypeError, match=r"^args\[17\]\[0\]: "):
        erlang.map("echo", [*range(17), object()])
    with pytest.raises(TypeError, match=r"^args\[1\]\[1\]\['k'\]: "):
        erlang.starmap("add", [(1, 2), (3, {"k": object()})])
    assert await erlang.map("echo", [1]) == [1]


async def test_an_item_of_starmap_must_be_iterable() -> None:
    with pytest.raises(TypeError, match=r"^args\[1\]: an item of starmap must be an iterable"):
        erlang.starmap("add", [(1, 2), 3])  # type: ignore[list-item]


async def test_an_exception_of_an_iterable_passes() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("from the iterable")

    with pytest.raises(KeyError, match="from the iterable"):
        erlang.map("echo", items())
    with pytest.raises(KeyError, match="from the iterable"):
        erlang.starmap("echo", [items()])


@pytest.mark.parametrize("arguments", [(), ("echo",), ("echo", [1], [2])])
async def test_other_numbers_of_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match=r"^starmap\(\) "):
        erlang.starmap(*arguments)  # type: ignore[arg-type]


async def test_what_is_no_iterable_is_refused() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        erlang.map("echo", 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'buffer'"):
        erlang.map("echo", [1], buffer=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'concurrency'"):
        erlang.async_call("echo", 1, concurrency=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("function", [erlang.map, erlang.starmap])
def test_without_a_running_loop_it_says_so(function: Callable[..., object]) -> None:
    with pytest.raises(RuntimeError, match=r"erlang\.\w*map needs a running event loop"):
        function("echo", [[1]])


# Ends.


async def test_cancelling_the_awaiting_task_stops_all_processes(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(5)]

    async def wait() -> None:
        await erlang.map("wait_watched", tags)

    task = asyncio.create_task(wait())
    await running(tags)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ends_of(tags) == ["shutdown"] * 5


async def test_a_timeout_stops_all_processes(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(3)]
    call = erlang.map("wait_watched", tags, timeout=0.2)
    with pytest.raises(erlang.Timeout, match=r"no reply within 0\.2 s"):
        await call
    for one in tags:
        # On a busy machine the processes may be stopped before they begin.
        if await erlang.async_call("await_published", one, 0) is not None:
            assert await ends_of([one]) == ["shutdown"]


async def test_items_that_trap_exits_are_killed_in_the_end(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(3)]
    call = erlang.map("ignore_shutdown", tags)
    pids = await running(tags)
    call.cancel()
    for pid in pids:
        assert await erlang.async_call("await_end", pid, 5000)


async def test_cancelling_starts_no_further_item(tag: str) -> None:
    tags = [f"{tag}/{n}" for n in range(2)]
    call = erlang.map("wait_watched", tags, concurrency=1)
    await running(tags[:1])
    call.cancel()
    assert await ends_of(tags[:1]) == ["shutdown"]
    assert await erlang.async_call("await_published", tags[1], 0) is None


def test_closing_the_loop_stops_all_processes(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], tag: str
) -> None:
    tags = [f"{tag}/{n}" for n in range(3)]
    loop = loop_factory()

    async def start() -> asyncio.Future[list[object]]:
        call = erlang.map("wait_watched", tags)
        await running(tags)
        return call

    call = loop.run_until_complete(start())
    loop.close()
    for one in tags:
        assert erlang.call("await_published", f"end of {one}", 5000) == "shutdown"
    assert not call.done()


async def test_a_map_is_a_call_for_tasks_and_groups() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(erlang.map("double_it", [n, n])) for n in range(3)]
    assert [task.result() for task in tasks] == [[0, 0], [2, 2], [4, 4]]


async def test_a_map_is_one_call_in_flight(tag: str) -> None:
    await erlang.async_call("echo", 1)
    before = erlang.stats()
    tags = [f"{tag}/{n}" for n in range(10)]
    call = erlang.map("wait_forever", tags)
    assert erlang.stats()["in_flight"] == before["in_flight"] + 1
    for number, pid in enumerate(await running(tags)):
        await erlang.async_call("release", pid, number)
    assert await call == list(range(10))
    assert erlang.stats()["calls"] == before["calls"] + 1 + 2 * 10


async def test_maps_and_calls_at_once_do_not_mix() -> None:
    maps = [erlang.map("echo", range(n, n + 50)) for n in range(20)]
    calls = [erlang.async_call("echo", n) for n in range(200)]
    assert await asyncio.gather(*maps) == [list(range(n, n + 50)) for n in range(20)]
    assert await asyncio.gather(*calls) == list(range(200))


async def test_items_are_not_kept_after_they_are_sent() -> None:
    class Text(str):
        pass

    items = [Text(n) for n in range(3)]
    kept = [weakref.ref(item) for item in items]
    call = erlang.map("echo", items)
    del items
    gc.collect()
    assert [item() for item in kept] == [None] * 3
    assert await call == ["0", "1", "2"]


# The limit of a function's concurrency.


@pytest.fixture
def limited(tag: str) -> Iterator[str]:
    """A function of which two calls may run at once; more are refused."""
    assert erlang.call("register_limited", tag, "slow", 2)
    yield tag
    erlang.call("unregister_name", tag)


async def test_items_over_the_functions_limit_are_refused(limited: str) -> None:
    with pytest.raises(erlang.Overloaded, match="concurrency limit reached: 2 calls") as caught:
        await erlang.map(limited, [60_000] * 3)
    assert caught.value.reason == (erlang.Atom("concurrency"), 2)
    assert caught.value.__notes__[-1].startswith("The call for item ")


async def test_items_wait_for_the_functions_limit_if_asked(limited: str) -> None:
    assert await erlang.map(limited, [1] * 10, wait=True) == [1] * 10


async def test_a_concurrency_below_the_functions_limit_is_never_refused(limited: str) -> None:
    assert await erlang.map(limited, [1] * 10, concurrency=2) == [1] * 10
