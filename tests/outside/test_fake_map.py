# SPDX-License-Identifier: Apache-2.0
"""erlang.map outside of a node, with fake functions: it looks as inside of one."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import erlang
from erlang.testing import FakeNode, fake


class Work:
    """Counts what runs."""

    def __init__(self) -> None:
        self.running = self.most = self.cancelled = 0

    async def sleep(self, seconds: float) -> float:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return seconds


def fail(value: object) -> None:
    raise erlang.Error("fail: error: badarg", reason=value)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def node(work: Work) -> Iterator[FakeNode]:
    functions: dict[str, Any] = {"add": lambda a, b: a + b, "sleep": work.sleep, "fail": fail}
    with fake(functions, double_it=lambda number: 2 * number) as node:
        yield node


async def test_the_results_are_in_the_order_of_the_items(node: FakeNode) -> None:
    assert await erlang.map("double_it", range(3)) == [0, 2, 4]
    assert await erlang.starmap("add", [(1, 2), [3, 4]]) == [3, 7]
    assert await erlang.map("sleep", [0.02, 0.01, 0]) == [0.02, 0.01, 0]
    assert await erlang.map("double_it", []) == []


async def test_concurrency_bounds_the_items_that_run(node: FakeNode, work: Work) -> None:
    await erlang.map("sleep", [0.001] * 9, concurrency=3)
    assert work.most == 3


async def test_the_first_failure_stops_the_rest_and_names_its_item(
    node: FakeNode, work: Work
) -> None:
    async def one(value: object) -> object:
        return fail(value) if value == "bad" else await work.sleep(60)

    with fake(one=one), pytest.raises(erlang.Error) as caught:
        await erlang.map("one", [1, "bad", 2])
    await asyncio.sleep(0)
    assert caught.value.__notes__[-1].startswith("The call for item 1 failed.")
    assert (work.running, work.cancelled) == (0, 2)


async def test_cancelling_and_time_limits_stop_all_items(node: FakeNode, work: Work) -> None:
    call = erlang.map("sleep", [60] * 3)
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(erlang.Timeout, match=r"no reply within 0\.01 s"):
        await erlang.map("sleep", [60] * 3, timeout=0.01)
    await asyncio.sleep(0.01)
    assert (work.running, work.cancelled) == (0, 6)


async def test_bad_arguments_are_refused_as_inside_a_node(node: FakeNode) -> None:
    with pytest.raises(TypeError, match=r"^args\[1\]: an item of starmap must be an iterable"):
        erlang.starmap("add", [(1, 2), 3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        erlang.map("double_it", [1], concurrency=0)
    with pytest.raises(TypeError, match="concurrency must be a number of items"):
        erlang.map("double_it", [1], concurrency=1.5)  # type: ignore[arg-type]


def test_without_a_running_loop_it_says_so(node: FakeNode) -> None:
    with pytest.raises(RuntimeError, match=r"erlang\.map needs a running event loop"):
        erlang.map("double_it", [1])
