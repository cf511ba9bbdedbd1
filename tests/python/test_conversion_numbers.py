# SPDX-License-Identifier: Apache-2.0
"""Numbers of classes other than Python's own: numpy's, and classes registered with `numbers`."""

import math
import numbers
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import Node
from erlang_side import alike, echo, is_same
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from test_conversion_round_trips import thorough

import erlang

INTEGERS = [
    np.int8, np.int16, np.int32, np.int64, np.intp, np.longlong,
    np.uint8, np.uint16, np.uint32, np.uint64, np.uintp, np.ulonglong,
]  # fmt: skip
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]


class Level(Enum):
    LOW = np.int64(1)


class Odd(int, Enum):
    """An int that is not its own value."""

    MEMBER = 7

    def __new__(cls, number: int) -> "Odd":
        member = int.__new__(cls, number)
        member._value_ = "seven"
        return member


class Whole:
    """An integer of a user's class, as in gmpy2."""

    def __init__(self, number: int, shown: int | None = None) -> None:
        self.number = number
        self.shown = number if shown is None else shown

    def __index__(self) -> int:
        return self.shown

    def __eq__(self, other: object) -> bool:
        return self.number == other

    __hash__ = None  # type: ignore[assignment]


class Half:
    """A number with a fraction, as in mpmath."""

    def __init__(self, number: float, shown: float | None = None) -> None:
        self.number = number
        self.shown = number if shown is None else shown

    def __float__(self) -> float:
        return self.shown

    def __eq__(self, other: object) -> bool:
        return self.number == other

    __hash__ = None  # type: ignore[assignment]


numbers.Integral.register(Whole)
numbers.Real.register(Half)


@pytest.mark.parametrize("kind", INTEGERS, ids=lambda kind: kind.__name__)
def test_integers_of_numpy_are_integers(kind: Any) -> None:
    bounds = np.iinfo(kind)
    for number in (bounds.min, 0, 1, bounds.max):
        assert alike(echo(kind(number)), int(number))


@pytest.mark.parametrize("kind", FLOATS, ids=lambda kind: kind.__name__)
def test_floats_of_numpy_are_floats(kind: Any) -> None:
    for number in (0.0, -0.0, 1.5, -2.0, float(np.float16(0.1))):
        assert alike(echo(kind(number)), number)
    assert echo([kind("nan"), kind("inf"), kind("-inf")]) == ["nan", "infinity", "neg_infinity"]


def test_booleans_of_numpy_are_booleans() -> None:
    assert is_same([np.True_, np.False_, np.bool_(1)], "[true, false, true]")


def test_texts_and_bytes_of_numpy_are_binaries() -> None:
    assert is_same([np.str_("é"), np.bytes_(b"\xff")], '[<<"é"/utf8>>, <<255>>]')


def test_numbers_of_numpy_may_be_anywhere() -> None:
    value = {np.int64(1): (np.float32(0.5), [np.bool_(True)]), np.str_("k"): {np.uint8(9)}}
    assert echo(value) == {1: (0.5, [True]), "k": [9]}
    assert echo(Level.LOW) == 1


@thorough
@given(
    numpy_strategies.scalar_dtypes()
    .filter(lambda dtype: dtype.kind in "biuf" and dtype.itemsize <= 8)
    .flatmap(numpy_strategies.from_dtype)
)
def test_any_number_of_numpy_comes_back_equal(value: Any) -> None:
    back = echo(value)
    if value != value:
        assert back == "nan"
    elif value in (math.inf, -math.inf):
        assert back == ("infinity" if value > 0 else "neg_infinity")
    else:
        assert alike(back, value.item())
        assert alike(np.dtype(type(value)).type(back), value)


@thorough
@given(st.integers(-(1 << 70), 1 << 70), st.integers(0, 1 << 12))
def test_a_longer_float_is_sent_when_a_float_equals_it(high: int, low: int) -> None:
    value = np.longdouble(high) + np.longdouble(low) / 4096
    if float(value) == value:
        assert alike(echo(value), float(value))
    else:
        with pytest.raises(TypeError, match="equals no Erlang number"):
            echo(value)


@thorough
@given(st.fractions())
def test_a_fraction_is_sent_when_a_float_equals_it(value: Fraction) -> None:
    if float(value) == value:
        assert alike(echo(value), float(value))
    else:
        with pytest.raises(TypeError, match="equals no Erlang number"):
            echo(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Whole(5), 5),
        (Whole(1 << 100), 1 << 100),
        (Half(2.5), 2.5),
        (Half(math.inf), "infinity"),
        (Half(math.nan), "nan"),
        (Fraction(3, 4), 0.75),
        (Odd.MEMBER, "seven"),
        (Decimal("1.10"), "1.10"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_registered_numbers_are_numbers(value: object, expected: object) -> None:
    assert alike(str(echo(value)), str(expected))


@pytest.mark.parametrize(
    "value",
    [
        Whole(5, shown=6),
        Half(2.5, shown=2.0),
        Fraction(1, 3),
        Fraction(10**400),
        Fraction((1 << 53) + 1, 2),
        np.longdouble(1) / 3,
        np.finfo(np.longdouble).max,
        np.timedelta64(5, "s"),
        np.timedelta64("NaT", "s"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_that_would_change_are_refused(value: object) -> None:
    with pytest.raises(TypeError) as raised:
        echo({"k": [0, value]})
    text = str(raised.value)
    assert text.startswith("args[0]['k'][1]: the '")
    assert f"{type(value).__name__}' " in text
    assert "equals no Erlang number; send its text or a rounded number" in text
    assert len(text) < 250


@pytest.mark.parametrize(
    "value",
    [1j, np.complex64(1), np.complex128(1), np.datetime64("2024-01-01"), np.void(b"ab")],
    ids=lambda value: type(value).__name__,
)
def test_scalars_that_are_no_numbers_are_refused(value: object) -> None:
    with pytest.raises(TypeError) as raised:
        echo([value])
    assert str(raised.value).startswith("args[0][0]: '")
    assert f"{type(value).__name__}' objects have no Erlang value" in str(raised.value)
    # No hint at a value that would be refused again.
    if "its .tolist()" in str(raised.value):
        echo([value.tolist()])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.array(5),
        lambda: np.array(True),
        lambda: np.array([5]),
        lambda: np.zeros((2, 2)),
        lambda: np.array([], dtype=object),
        lambda: np.ma.masked_array([1], [True]),
        lambda: np.ma.masked,
        lambda: np.rec.array([(1, 2.0)]),
    ],
)
def test_arrays_are_refused_with_a_hint(make: Callable[[], object]) -> None:
    value = make()
    with pytest.raises(
        TypeError, match=r"^args\[0\]\['k'\]: .*objects have no Erlang value; send"
    ) as raised:
        echo({"k": value})
    assert "its .tolist()" in str(raised.value)


class Indexed:
    """Works as an index of a list, but is not a number."""

    def __index__(self) -> int:
        return 3


class Measured:
    """Has a size, but is not a number."""

    def __float__(self) -> float:
        return 1.5


@pytest.mark.parametrize("cls", [Indexed, Measured])
def test_what_can_be_used_as_a_number_is_none(cls: type) -> None:
    with pytest.raises(TypeError, match=f"'{cls.__name__}' objects have no Erlang value"):
        echo(cls())


def test_errors_of_a_number_pass_with_a_note() -> None:
    class Broken(Whole):
        def __index__(self) -> int:
            raise LookupError("no index")

    with pytest.raises(LookupError, match="no index") as raised:
        echo([Broken(1)])
    assert raised.value.__notes__ == ["while converting args[0][0] to an Erlang term"]


def test_an_adapter_goes_before_the_number() -> None:
    class Money(Whole):
        pass

    assert echo(Money(5)) == 5
    erlang.register_adapter(Money, lambda money: f"{money.number} EUR")
    assert echo(Money(5)) == "5 EUR"


def test_numpy_is_not_imported_for_it(node: Node) -> None:
    code = (
        "import sys, fractions, erlang\n"
        "assert erlang.call('echo', [fractions.Fraction(1, 2)]) == [0.5]\n"
        "assert 'numpy' not in sys.modules"
    )
    done = node.run("--erl", "py:register_function(echo, fun([X]) -> X end)", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
