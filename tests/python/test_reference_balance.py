# SPDX-License-Identifier: Apache-2.0
"""No operation of `erlang` keeps a reference, neither in success nor in failure."""

import asyncio
import copy
import dataclasses
import datetime
import decimal
import enum
import pathlib
import pickle
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

import pytest
from balance import (
    AsyncOperation,
    Operation,
    assert_balanced,
    assert_balanced_on_loop,
    growth_by,
)

import erlang

TIMES = 200
# The number of runs for operations that take a thread or a millisecond.
FEW = 40


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: float


class Adapted:
    pass


class Subtext(str):
    __slots__ = ()


erlang.register_adapter(Adapted, lambda _: ["adapted", {"a": 1}])

VALUES: dict[str, object] = {
    "none": None,
    "boolean": True,
    "small_integer": 300_001,
    "64_bit_integer": -(2**63),
    "big_integer": 2**70 + 1,
    "huge_integer": -(7**900),
    "float": 0.1,
    "nan": float("nan"),
    "text": "some text",
    "text_beyond_ascii": "größer ☃",
    "subclass_of_str": Subtext("text"),
    "large_text": "x" * 100_000,
    "large_text_beyond_ascii": "☃" * 50_000,
    "bytes": b"\xff\xfe",
    "large_bytes": b"\xff" * 100_000,
    "bytearray": bytearray(b"\xff\xfe"),
    "memoryview": memoryview(b"\xff\xfe\xfd\xfc")[::2],
    "atom": erlang.Atom("ok"),
    "list": ["one", 2.5, ["three"]],
    "tuple": ("one", 2.5, ("three",)),
    "dict": {"one": 1000, 2000: {"three": "four"}},
    "dict_of_200": {f"key {n}": n + 1000 for n in range(200)},
    "set": {"one", "two"},
    "frozenset": frozenset({1000, 2000}),
    "enum": Colour.RED,
    "datetime": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC),
    "uuid": uuid.UUID(int=7),
    "decimal": decimal.Decimal("1.50"),
    "path": pathlib.PurePosixPath("a/b"),
    "dataclass": Point(1000, 2.5),
    "adapted": Adapted(),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_sending_a_value_and_getting_it_back(value: object) -> None:
    def there_and_back() -> None:
        erlang.call("echo", value, binaries="bytes")

    assert_balanced(there_and_back, [value, type(value)], TIMES)


@pytest.mark.parametrize(
    "expression",
    ["self()", "make_ref()", "hd(erlang:ports())", "fun lists:map/2", "{bytes, <<1>>}"],
)
def test_getting_a_term_without_a_twin_and_sending_it_back(expression: str) -> None:
    def there_and_back() -> None:
        erlang.call("echo", erlang.call("conversion_term", expression))

    assert_balanced(there_and_back, [], TIMES)


def contains_itself() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


class Unhelpful:
    def __eq__(self, other: object) -> bool:
        raise ArithmeticError

    __hash__ = None  # type: ignore[assignment]


REFUSED: dict[str, object] = {
    "object": object(),
    "object_deep_inside": [1, {"k": ("x", {"l": object()})}],
    "object_as_key": {(1, Unhelpful): 1},
    "lone_surrogates": ["\ud800"],
    "contains_itself": contains_itself(),
    "too_deep": nested(5000),
    "keys_that_become_one": {"ok": 1, b"ok": 2},
    "too_large": 1 << (1 << 27),
    "released_memoryview": memoryview(b"x"),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_an_argument_that_is_refused(value: object) -> None:
    if isinstance(value, memoryview):
        value.release()

    def refused() -> None:
        with pytest.raises((TypeError, ValueError, RecursionError, OverflowError)):
            erlang.call("echo", value)

    assert_balanced(refused, [value], TIMES)


def fails(name: str, *args: object, timeout: float | None = None) -> Operation:
    def call() -> None:
        with pytest.raises((erlang.Error, TypeError)):
            erlang.call(name, *args, timeout=timeout)

    return call


def broken_pickle() -> None:
    with pytest.raises(ValueError, match="not a pickled erlang"):
        erlang.Pid._from_external(b"\x83broken")


def unmade() -> None:
    with pytest.raises(TypeError):
        erlang.Pid()


def unknown_name() -> None:
    with pytest.raises(AttributeError):
        erlang.there_is_no_such_function  # noqa: B018


def on_a_thread() -> None:
    thread = threading.Thread(target=erlang.call, args=("echo", ["some", "value"]))
    thread.start()
    thread.join()


def atoms() -> None:
    atom = erlang.Atom("ok")
    assert atom == erlang.Atom("ok")
    assert repr(atom)
    assert {atom: 1}[atom] == 1
    assert pickle.loads(pickle.dumps(atom)) == atom


def pids() -> None:
    pid = erlang.call("self")
    assert copy.deepcopy([pid]) == [copy.copy(pid)]
    assert repr(pid)
    assert not pid < pickle.loads(pickle.dumps(pid))
    assert {pid: 1}[pid] == 1


def sending(to: object) -> Operation:
    return lambda: erlang.send(to, {"some": ["message", 1000]})


function = erlang.function("add_one")

OPERATIONS: dict[str, Operation] = {
    "call_without_arguments": lambda: erlang.call("self"),
    "call_with_a_timeout": lambda: erlang.call("echo", ["a"], timeout=60),
    "call_of_a_function_object": lambda: function(1000),
    "call_of_an_attribute": lambda: erlang.add_one(1000),
    "a_new_function_object": lambda: erlang.function("add_one")(1000),
    "nested_call": lambda: erlang.call("py_call", "math", "sqrt", [4.0]),
    "call_of_a_context": lambda: erlang.call("py_call_elsewhere", "math", "sqrt", [4.0]),
    "error": fails("fail_with", ["why", 1000]),
    "throw": fails("throw_it", {"why": 1000}),
    "exit": fails("exit_with", ("why", 1000)),
    "undefined_function": fails("there_is_no_such_function", ["x"]),
    "a_process_that_dies": fails("kill_self"),
    "a_result_that_is_refused": fails("improper"),
    "send_to_a_pid": sending(erlang.call("self")),
    "send_to_a_name": sending(erlang.Atom("logger")),
    "send_to_a_name_at_a_node": sending((erlang.Atom("x"), erlang.Atom("nonode@nohost"))),
    "atoms": atoms,
    "pids": pids,
    "a_broken_pickle": broken_pickle,
    "making_a_pid": unmade,
    "an_unknown_attribute": unknown_name,
    "stats": erlang.stats,
}
SELDOM: dict[str, Operation] = {
    "a_call_that_times_out": fails("slow", 5000, timeout=0.001),
    "a_thread_that_calls": on_a_thread,
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation(operation: Operation) -> None:
    assert_balanced(operation, [], TIMES)


@pytest.mark.parametrize("operation", SELDOM.values(), ids=SELDOM)
def test_an_operation_that_takes_long(operation: Operation) -> None:
    assert_balanced(operation, [], FEW)


async def gathered() -> None:
    await asyncio.gather(*(erlang.async_call("echo", [n, "text"]) for n in range(1000, 1005)))


async def awaited_in_other_ways() -> None:
    assert await asyncio.wait_for(erlang.async_call("add_one", 1000), 60) == 1001
    assert await asyncio.create_task(erlang.async_call("add_one", 1000)) == 1001
    assert await function.aio(1000) == 1001
    async with asyncio.timeout(60):
        assert await asyncio.shield(erlang.async_call("add_one", 1000)) == 1001


async def failed() -> None:
    for name in ("fail_with", "throw_it", "there_is_no_such_function"):
        with pytest.raises(erlang.Error):
            await erlang.async_call(name, ["why", 1000])
    with pytest.raises(TypeError):
        await erlang.async_call("improper")
    with pytest.raises(erlang.Disconnected):
        await erlang.async_call("kill_self")


async def refused() -> None:
    with pytest.raises(TypeError):
        erlang.async_call("echo", {"k": object()})


async def cancelled() -> None:
    call = erlang.async_call("slow", 60_000)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def timed_out() -> None:
    with pytest.raises(erlang.Timeout):
        await erlang.async_call("slow", 60_000, timeout=0.001)


async def dropped() -> None:
    """The first call is never awaited, and ends before the second call."""
    erlang.async_call("echo", ["some", "value"])
    with suppress(erlang.Error):
        await erlang.async_call("echo", 1)


async def answered_with_large_values() -> None:
    assert len(await erlang.async_call("echo", "x" * 100_000)) == 100_000


async def mapped() -> None:
    assert await erlang.map("add_one", range(1000, 1005)) == list(range(1001, 1006))
    assert await erlang.starmap("add", [(1000, n) for n in range(3)]) == [1000, 1001, 1002]
    with pytest.raises(erlang.Error):
        await erlang.map("fail_with", [["why", 1000]])
    with pytest.raises(TypeError):
        erlang.map("echo", ["some", object()])
    with pytest.raises(TypeError):
        erlang.starmap("echo", [("some",), 1000])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="concurrency"):
        erlang.map("echo", ["some"], concurrency=0)
    call = erlang.map("slow", [60_000] * 3)
    await asyncio.sleep(0)
    call.cancel()


ASYNC_OPERATIONS: dict[str, AsyncOperation] = {
    operation.__name__: operation
    for operation in (
        *(gathered, awaited_in_other_ways, failed, refused, cancelled, timed_out, dropped),
        *(answered_with_large_values, mapped),
    )
}


@pytest.mark.parametrize("operation", ASYNC_OPERATIONS.values(), ids=ASYNC_OPERATIONS)
def test_an_operation_of_a_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], operation: AsyncOperation
) -> None:
    assert_balanced_on_loop(loop_factory, operation, TIMES)


def test_a_loop_that_calls(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    def one_loop() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(gathered())

    assert_balanced(one_loop, [], TIMES)


def test_a_kept_reference_would_be_noticed() -> None:
    kept: list[object] = []
    growth = growth_by(lambda: kept.append(float(len(kept))), [], TIMES)
    assert list(growth) == ["in all"]


def test_a_kept_reference_to_an_object_involved_would_be_noticed() -> None:
    kept: list[object] = []
    thing = Adapted()
    growth = growth_by(lambda: kept.append(thing), [thing], TIMES)
    assert [name for name in growth if "Adapted" in name]
