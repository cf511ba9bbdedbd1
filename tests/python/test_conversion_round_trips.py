# SPDX-License-Identifier: Apache-2.0
"""Generated values come back from Erlang unchanged."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from erlang_side import Binaries, alike, echo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erlang import Atom

# No database, which would be a folder of the machine; no deadlines, which would measure the
# machine.
thorough = settings(
    database=None,
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class AtomOf:
    """Stands for an atom while values are generated: Hypothesis would treat an Atom as a str."""

    name: str


# No atoms that come back as None, True or False.
ATOMS = st.builds(AtomOf, st.sampled_from(["ok", "error", "bytes", "text", "hello world", "日本"]))

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 200), 1 << 200),
    st.floats(allow_nan=False, allow_infinity=False),
    ATOMS,
)


def is_tagged(value: object) -> bool:
    """A tuple that would come back as its binary: {bytes, <<...>>}, {text, <<...>>}."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and value[0] in (AtomOf("bytes"), AtomOf("text"))
        and isinstance(value[1], str | bytes)
    )


def tuples_of(inner: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(inner, max_size=most).map(tuple).filter(lambda it: not is_tagged(it))


def with_atoms(value: Any) -> Any:
    if isinstance(value, AtomOf):
        return Atom(value.name)
    if isinstance(value, list | tuple):
        return type(value)(map(with_atoms, value))
    if isinstance(value, dict):
        return {with_atoms(key): with_atoms(item) for key, item in value.items()}
    return value


def values_of(binaries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of all kinds, with these in the place of binaries."""
    # No floats and booleans: 1, 1.0 and True are one key in Python.
    keys = st.recursive(
        st.one_of(st.integers(), ATOMS, binaries),
        lambda inner: tuples_of(inner, 3),
        max_leaves=4,
    )
    return st.recursive(
        st.one_of(SCALARS, binaries),
        lambda inner: st.one_of(
            st.lists(inner),
            tuples_of(inner, 5),
            st.dictionaries(keys, inner),
        ),
        max_leaves=25,
    ).map(with_atoms)


@settings(thorough, max_examples=1000)
@given(values_of(st.text()))
def test_any_value_with_text_comes_back_as_it_went(value: object) -> None:
    assert alike(echo(value, "text"), value)


@settings(thorough, max_examples=1000)
@given(values_of(st.binary()))
def test_any_value_with_bytes_comes_back_as_it_went(value: object) -> None:
    assert alike(echo(value, "bytes"), value)


def types_of(value: object) -> object:
    """The shape of a value: the types at all its places."""
    if isinstance(value, list | tuple):
        return type(value), [types_of(item) for item in value]
    if isinstance(value, dict):
        return dict, sorted(repr((types_of(key), types_of(item))) for key, item in value.items())
    return type(value)


def with_every_binary(value: Any, binary: bytes) -> Any:
    if isinstance(value, bytes):
        return binary
    if isinstance(value, list | tuple):
        return type(value)(with_every_binary(item, binary) for item in value)
    return value


@thorough
@given(
    st.recursive(st.integers() | st.binary(), lambda inner: st.lists(inner) | tuples_of(inner, 3)),
    st.binary(),
    st.sampled_from(["text", "bytes"]),
)
def test_types_do_not_depend_on_the_data(value: object, other: bytes, binaries: Binaries) -> None:
    def result(sent: object) -> object:
        try:
            return types_of(echo(sent, binaries))
        except TypeError as error:
            return str(error).partition(" is not UTF-8 text")[1]

    results = [result(sent) for sent in (value, with_every_binary(value, other))]
    if binaries == "text":
        results = [result for result in results if result != " is not UTF-8 text"]
    assert all(result == results[0] for result in results)


@thorough
@given(st.integers(-(1 << 5000), 1 << 5000))
def test_any_integer_comes_back_as_it_went(value: int) -> None:
    assert echo(value) == value


@thorough
@given(st.floats())
def test_any_float_comes_back_as_it_went_or_as_its_atom(value: float) -> None:
    back = echo(value)
    if math.isfinite(value):
        assert alike(back, value)
    else:
        assert back == Atom({"inf": "infinity", "-inf": "neg_infinity"}.get(str(value), "nan"))


@thorough
@given(st.text(alphabet=st.characters(), max_size=300))
def test_text_comes_back_or_is_refused_for_its_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        try:
            echo(value)
        except ValueError:
            return
        raise AssertionError("lone surrogates were sent") from None
    assert alike(echo(value), value)


@thorough
@given(st.binary(max_size=64))
def test_bytes_are_text_exactly_when_they_are_utf8(value: bytes) -> None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        with pytest.raises(TypeError, match=r"^result: the binary <<.* is not UTF-8 text"):
            echo(value, "text")
    else:
        assert alike(echo(value, "text"), text)


@thorough
@given(st.sets(st.integers() | st.text()))
def test_sets_come_back_as_lists_of_their_elements(value: set[object]) -> None:
    back = echo(value)
    assert isinstance(back, list)
    assert len(back) == len(value)
    assert set(back) == value


def test_integers_around_every_power_of_two_come_back() -> None:
    # One call for each exponent with all its integers, so that five thousand exponents take
    # seconds.
    for bits in range(5001):
        edge = 1 << bits
        values = [sign * (edge + step) for sign in (1, -1) for step in (-1, 0, 1)]
        assert echo(values) == values, f"2**{bits}"


def test_integers_of_a_hundred_thousand_bits_come_back() -> None:
    value = (1 << 100_000) - 12345
    assert echo([value, -value]) == [value, -value]


def test_decimal_digit_limit_of_python_does_not_matter() -> None:
    value = 10 ** (sys.get_int_max_str_digits() + 10)
    assert echo(value) == value


def test_threads_convert_at_the_same_time() -> None:
    values = [[index, {str(index): (float(index), Atom("ok"), None)}] for index in range(200)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(echo, values)) == values
