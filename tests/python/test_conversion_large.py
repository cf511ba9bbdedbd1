# SPDX-License-Identifier: Apache-2.0
"""Large values are shared instead of copied where possible, and complete in every case."""

import gc
import sys
import time
from typing import Any

import pytest
from erlang_side import Binaries, echo, is_same, term

import erlang

SIZES = [0, 1, 63, 64, 65, 4095, 4096, 65535, 65536, 65537, 5_000_000]


def eventually_unreferenced(value: object, count: int) -> bool:
    """Return whether the count is reached: Erlang drops a binary after the last holder was
    collected.
    """
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        erlang.call("conversion_collect")
        if sys.getrefcount(value) <= count + 1:  # the parameter is one more reference
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "unit", ["a", "é", "日", "😀", b"\xff", bytearray(b"\xff"), memoryview(b"\xff")], ids=repr
)
def test_payloads_of_any_size_come_back_whole(size: int, unit: Any) -> None:
    if isinstance(unit, memoryview):
        value: Any = memoryview(bytes(unit) * size)
    else:
        value = unit * size
    expected = value if isinstance(value, str) else bytes(value)
    key = "k" if isinstance(value, str) else b"k"
    binaries: Binaries = "text" if isinstance(value, str) else "bytes"
    assert echo([value, {key: value}], binaries) == [expected, {key: expected}]


@pytest.mark.parametrize(
    ("value", "binaries"),
    [(b"\xff" * 200_000, "bytes"), ("a" * 200_000, "text")],
    ids=["bytes", "str"],
)
def test_large_immutable_values_are_shared_and_released(value: object, binaries: Binaries) -> None:
    gc.collect()
    count = sys.getrefcount(value)
    for _ in range(20):
        assert echo(value, binaries) == value
    assert eventually_unreferenced(value, count)


def test_shared_text_keeps_no_second_form_of_itself() -> None:
    value = "é" * 200_000
    before = sys.getsizeof(value)
    assert echo(value) == value
    assert sys.getsizeof(value) == before


def test_a_large_value_outlives_its_python_name() -> None:
    name = "conversion_kept"
    text = (
        f"register({name}, spawn(fun() -> receive {{keep, B}} -> receive P -> P ! B end end end))"
    )
    assert term(text) is True
    erlang.send(erlang.Atom(name), (erlang.Atom("keep"), b"\xfe" * 300_000))
    gc.collect()
    same = f"{name} ! self(), receive B -> B =:= binary:copy(<<16#FE>>, 300000) end"
    assert term(same) is True


def test_changing_a_bytearray_afterwards_changes_nothing() -> None:
    value = bytearray(b"\xff" * 100_000)
    name = "conversion_copied"
    text = (
        f"register({name}, spawn(fun() -> receive {{keep, B}} -> receive P -> P ! B end end end))"
    )
    assert term(text) is True
    erlang.send(erlang.Atom(name), (erlang.Atom("keep"), value))
    value[:] = bytes(100_000)
    same = f"{name} ! self(), receive B -> B =:= binary:copy(<<16#FF>>, 100000) end"
    assert term(same) is True


@pytest.mark.parametrize("size", [31, 32, 33, 127, 128, 129, 1000, 20_000])
def test_maps_of_any_size_are_whole(size: int) -> None:
    value = {index: [str(index)] for index in range(size)}
    assert is_same(
        value,
        f"maps:from_list([{{X, [integer_to_binary(X)]}} || X <- lists:seq(0, {size - 1})])",
    )
    assert echo({"outer": value}) == {"outer": value}


def test_large_maps_within_large_maps() -> None:
    value = {str(outer): {inner: {"k": inner} for inner in range(200)} for outer in range(200)}
    assert echo(value) == value


def test_long_lists_and_tuples_are_whole() -> None:
    numbers = list(range(200_000))
    assert echo(numbers) == numbers
    assert echo(tuple(numbers)) == tuple(numbers)
    assert echo(set(numbers[:1000])) == list(set(numbers[:1000]))


def test_tuples_too_long_for_erlang_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^args\[0\]: the tuple has 16777216 items"):
        echo((None,) * (1 << 24))
