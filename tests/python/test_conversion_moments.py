# SPDX-License-Identifier: Apache-2.0
"""Moments of classes derived from Python's: pandas' classes, and a user's own class."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from erlang_side import alike, echo
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from test_conversion_round_trips import thorough


class Moment(datetime):
    pass


class Never(datetime):
    """A moment that is not equal to itself, as in pandas."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = datetime.__hash__


class NoDay(date):
    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = date.__hash__


class NoTime(time):
    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = time.__hash__


@thorough
@given(
    # Three days inside pandas' bounds, so that no time zone leaves the bounds.
    st.integers(-(1 << 63) + (1 << 48), (1 << 63) - (1 << 48)),
    st.sampled_from([None, "UTC", "+05:45", "-03:30"]),
)
def test_any_timestamp_comes_back_with_its_nanoseconds(nanoseconds: int, zone: str | None) -> None:
    value = pd.Timestamp(nanoseconds, tz="UTC").tz_convert(zone)
    text = echo(value)
    assert isinstance(text, str)
    assert pd.Timestamp(text).value == value.value


@thorough
@given(st.datetimes())
def test_a_derived_moment_is_the_text_of_its_base(value: datetime) -> None:
    own = Moment(*value.timetuple()[:6], value.microsecond)
    assert alike(echo(own), value.isoformat())


@pytest.mark.parametrize(
    "value",
    [pd.NaT, pd.Timestamp("NaT"), Never(2024, 1, 1), NoDay(2024, 1, 1), NoTime(1)],
    ids=lambda value: type(value).__name__,
)
def test_a_moment_that_is_not_equal_to_itself_is_refused(value: object) -> None:
    with pytest.raises(TypeError) as raised:
        echo({"k": [1, value]})
    text = str(raised.value)
    assert text.startswith("args[0]['k'][1]: the '")
    assert f"{type(value).__name__}' " in text
    assert "is not equal to itself; send None in its place" in text


@pytest.mark.parametrize("year", ["-2000", "0000", "10000", "20000"])
def test_a_year_without_four_digits_is_refused(year: str) -> None:
    value = pd.Timestamp(np.datetime64(f"{year}-01-01", "s"))
    with pytest.raises(TypeError, match=r"^args\[0\]: the .*Timestamp.* from 1 to 9999"):
        echo(value)


@pytest.mark.parametrize(
    "value",
    [pd.NA, pd.Period("2024-01"), pd.Interval(0, 1), pd.DataFrame({"a": [1]})],
    ids=lambda value: type(value).__name__,
)
def test_other_things_of_pandas_are_refused(value: object) -> None:
    with pytest.raises(TypeError) as raised:
        echo([value])
    assert f"{type(value).__name__}' objects have no Erlang value" in str(raised.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.Series([1]),
        lambda: pd.Index([1]),
        lambda: pd.array([1, None], dtype="Int64"),
        lambda: pd.to_datetime(["2024-01-01"]),
    ],
)
def test_columns_are_refused_with_a_hint(make: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"objects have no Erlang value; send its \.tolist\(\)"):
        echo(make())


def test_the_cells_of_a_table_are_sent() -> None:
    table = pd.DataFrame(
        {
            "number": np.array([1, 2], dtype="int32"),
            "part": np.array([0.5, 2.5], dtype="float32"),
            "flag": [True, False],
            "at": pd.to_datetime(
                ["2024-01-01T00:00:00", "2024-01-02T03:04:05.000000006"], format="ISO8601"
            ),
        }
    )
    rows: list[dict[Any, Any]] = [dict(row) for _, row in table.iterrows()]
    assert echo(rows) == [
        {"number": 1, "part": 0.5, "flag": True, "at": "2024-01-01T00:00:00"},
        {"number": 2, "part": 2.5, "flag": False, "at": "2024-01-02T03:04:05.000000006"},
    ]
    assert echo(list(table["number"].values)) == [1, 2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "PT0S"),
        (timedelta(days=1), "P1D"),
        (timedelta(days=400, hours=1), "P400DT1H"),
        (timedelta(minutes=90, seconds=5), "PT1H30M5S"),
        (timedelta(milliseconds=1500), "PT1.5S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(seconds=-1), "-PT1S"),
        (timedelta(days=-1, seconds=1), "-PT23H59M59S"),
        (timedelta.max, "P999999999DT23H59M59.999999S"),
        (timedelta.min, "-P999999999D"),
    ],
)
def test_a_duration_is_the_text_of_iso_8601(value: timedelta, text: str) -> None:
    assert echo([value]) == [text]


@thorough
@given(st.timedeltas())
def test_any_duration_can_be_read_again(value: timedelta) -> None:
    assert TypeAdapter(timedelta).validate_python(echo(value)) == value


@thorough
@given(st.integers(-(1 << 62), 1 << 62))
def test_any_duration_of_pandas_comes_back_with_its_nanoseconds(nanoseconds: int) -> None:
    value = pd.Timedelta(nanoseconds)
    assert pd.Timedelta(echo(value)) == value
