# SPDX-License-Identifier: Apache-2.0
"""The codec of the external term format in pure Python: round trips, and what is no term."""

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import erlang
from erlang._outside.decoding import decoded
from erlang._outside.encoding import encoded, encoded_list
from erlang._outside.external import Malformed, end_of_term
from erlang._outside.frames import Reader

texts = st.text(st.characters(exclude_categories=["Cs"]))
atoms = texts.filter(lambda text: len(text) < 256).map(erlang.Atom)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(texts, inner)
    ),
)


@settings(max_examples=500)
@given(values)
def test_a_value_comes_back(value: Any) -> None:
    data = encoded(value, "value", set())
    assert end_of_term(data, 0) == len(data)
    assert decoded(data) == value


@given(st.binary())
def test_bytes_come_back_as_bytes_if_the_call_says_so(value: bytes) -> None:
    assert decoded(encoded(value, "value", set()), binaries="bytes") == value


@given(st.lists(atoms, max_size=5))
def test_the_atoms_of_a_value_are_noted(value: list[erlang.Atom]) -> None:
    noted: set[str] = set()
    encoded_list((value, dict.fromkeys(value, 1)), "args", noted)
    assert noted == {str(atom) for atom in value}


def test_special_numbers_become_atoms() -> None:
    numbers = [math.nan, math.inf, -math.inf]
    assert decoded(encoded(numbers, "value", set())) == ["nan", "infinity", "neg_infinity"]


@settings(max_examples=500)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    for term in (data, b"l\0\0\0\2" + data, b"t\0\0\0\1" + data, b"h\2" + data):
        with contextlib.suppress(Malformed, TypeError, ValueError):
            decoded(term)


@settings(max_examples=500)
@given(values, st.data())
def test_a_changed_byte_is_a_value_or_an_error(value: Any, data: st.DataObject) -> None:
    term = bytearray(encoded(value, "value", set()))
    place = data.draw(st.integers(0, len(term) - 1))
    term[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed, TypeError, ValueError):
        decoded(bytes(term))


@given(values)
def test_a_cut_term_is_malformed(value: Any) -> None:
    term = encoded(value, "value", set())
    for size in range(min(len(term), 50)):
        with pytest.raises(Malformed):
            decoded(term[:size])


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), max_size=40))
def test_frames_arrive_whole_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    data = b"".join(len(frame).to_bytes(4) + frame for frame in sent)
    reader, arrived, begin = Reader(), [], 0
    for size in [*cuts, len(data) + 1]:
        if data[begin : begin + size]:
            arrived += reader.feed(data[begin : begin + size])
        begin += size
    assert arrived == sent
