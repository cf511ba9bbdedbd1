# SPDX-License-Identifier: Apache-2.0
"""erlang.testing.fake: Python functions in the place of Erlang functions."""

import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import erlang
from erlang.testing import FakeNode, fake


@dataclass
class User:
    name: str


async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"


def fail() -> None:
    raise erlang.Error("fail: error: badarg", reason=erlang.Atom("badarg"))


@pytest.fixture
def node() -> Iterator[FakeNode]:
    functions: dict[str, Any] = {"echo": lambda value: value, "wait": wait, "fail": fail}
    with fake(functions, double_it=lambda number: 2 * number) as node:
        yield node


def test_every_way_to_call_calls_the_fake(node: FakeNode) -> None:
    from erlang import double_it

    assert erlang.call("double_it", 21) == double_it(21) == erlang.function("double_it")(21) == 42
    assert node.calls == [("double_it", (21,))] * 3


async def test_async_calls_call_the_fake(node: FakeNode) -> None:
    assert await erlang.async_call("double_it", 21) == 42
    assert await asyncio.gather(erlang.double_it.aio(1), erlang.async_call("wait", 0)) == [
        2,
        "waited",
    ]


def test_values_are_those_that_erlang_would_see(node: FakeNode) -> None:
    assert erlang.call("echo", {"user": User("Ada"), "set": {1}}) == {
        "user": {"name": "Ada"},
        "set": [1],
    }
    assert node.calls[-1][1] == ({"user": {"name": "Ada"}, "set": [1]},)
    with pytest.raises(
        TypeError, match=r"^args\[0\]\['k'\]: 'object' objects have no Erlang value"
    ):
        erlang.call("echo", {"k": object()})


def test_the_call_chooses_what_binaries_become(node: FakeNode) -> None:
    data = [b"ab", {"k": b"\xff"}]
    assert erlang.call("echo", data, binaries="bytes") == [b"ab", {b"k": b"\xff"}]
    assert node.calls[-1] == ("echo", (data,))
    assert erlang.call("echo", b"ab") == "ab"
    of_bytes = erlang.function("echo", binaries="bytes")
    assert of_bytes(b"ab") == b"ab"
    with pytest.raises(
        TypeError, match=r"^result\[1\]\['k'\]: the binary <<.*> is not UTF-8 text; "
    ):
        erlang.call("echo", data)
    with pytest.raises(ValueError, match=r"^binaries must be 'text', 'bytes' or None$"):
        erlang.call("echo", 1, binaries="str")  # type: ignore[arg-type]


def test_the_explicit_forms_of_a_result_go_first() -> None:
    marked = [(erlang.Atom("text"), "t"), (erlang.Atom("bytes"), b"\xff"), b"b"]
    with fake(marked=lambda: marked):
        assert erlang.call("marked") == ["t", b"\xff", "b"]
        assert erlang.call("marked", binaries="bytes") == ["t", b"\xff", b"b"]


async def test_an_awaited_call_chooses_too(node: FakeNode) -> None:
    assert await erlang.async_call("echo", b"ab", binaries="bytes") == b"ab"
    assert await erlang.async_call("wait", 0, binaries="bytes") == b"waited"


def test_a_failure_of_the_fake_is_the_failure_of_the_call(node: FakeNode) -> None:
    with pytest.raises(erlang.Error) as raised:
        erlang.fail()
    assert raised.value.reason == erlang.Atom("badarg")


async def test_an_async_call_fails_when_it_is_awaited(node: FakeNode) -> None:
    call = erlang.async_call("fail")
    with pytest.raises(erlang.Error):
        await call


async def test_a_time_limit_ends_an_async_call(node: FakeNode) -> None:
    with pytest.raises(erlang.Timeout, match=r"^wait: no reply within 0\.01 s$"):
        await erlang.async_call("wait", 60, timeout=0.01)


async def test_cancelling_ends_the_coroutine_of_the_fake(node: FakeNode) -> None:
    call = erlang.async_call("wait", 60)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (left,) = asyncio.all_tasks() - {asyncio.current_task()}  # the coroutine of the fake
    with pytest.raises(asyncio.CancelledError):
        await left


def test_a_coroutine_function_needs_an_async_call(node: FakeNode) -> None:
    with pytest.raises(TypeError, match="coroutine function; await async_call"):
        erlang.call("wait", 0)


def test_other_names_are_undefined(node: FakeNode) -> None:
    with pytest.raises(erlang.UndefinedFunction):
        erlang.call("ecoh", 1)
    with pytest.raises(AttributeError, match="ecoh"):
        _ = erlang.ecoh


def test_the_functions_are_listed(node: FakeNode) -> None:
    assert erlang.registered() == ["double_it", "echo", "fail", "wait"]
    assert {*erlang.registered()} < {*dir(erlang)}
    assert inspect.getmembers(erlang)


def test_the_innermost_fake_is_called_and_ends_with_its_block(node: FakeNode) -> None:
    with fake(double_it=lambda number: -number):
        assert erlang.double_it(1) == -1
    assert erlang.double_it(1) == 2


def test_without_a_fake_there_is_no_node() -> None:
    with pytest.raises(erlang.NoNode):
        erlang.call("double_it", 1)


async def test_a_blocking_call_on_a_loop_warns(node: FakeNode) -> None:
    with pytest.warns(erlang.BlockingCallWarning) as direct:
        erlang.call("echo", 1)
    with pytest.warns(erlang.BlockingCallWarning) as by_attribute:
        erlang.double_it(1)
    assert [warning.filename for warning in (*direct, *by_attribute)] == [__file__, __file__]
