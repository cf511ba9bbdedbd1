# SPDX-License-Identifier: Apache-2.0
"""Elixir's structs as Python values, and back: all values, and fields of any kind."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import erlang
from erlang import _adapters, _structs

STRUCTS = _structs.Structs(erlang.Atom, {"map": {}, "version": 2})
# No database, which would be a folder of the machine; no deadlines, which would measure the
# machine.
steady = settings(
    database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200
)

ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Etc/UTC"])
BIG = st.integers(-(10**30), 10**30)
STEPS = st.integers(-5, 5).filter(bool)


def made(struct: Callable[[Any], object], value: object) -> Any:
    fields = struct(value)
    assert isinstance(fields, dict)
    assert all(type(key) is erlang.Atom for key in fields)
    return fields


def back(struct: Callable[[Any], object], value: object) -> object:
    return _structs.from_struct(made(struct, value))


@steady
@given(st.dates())
def test_a_date_comes_back(value: date) -> None:
    assert back(STRUCTS.of_day, value) == value


@steady
@given(st.times())
def test_a_time_comes_back(value: time) -> None:
    assert back(STRUCTS.of_time, value) == value


def test_a_time_with_a_zone_stays_text() -> None:
    assert STRUCTS.of_time(time(1, 2, tzinfo=UTC)) == "01:02:00+00:00"


@steady
@given(st.datetimes())
def test_a_moment_without_a_zone_comes_back(value: datetime) -> None:
    result = back(STRUCTS.of_moment, value)
    assert isinstance(result, datetime)
    assert (result, result.tzinfo) == (value, None)


@steady
@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2030, 1, 1)), ZONES)
def test_a_moment_in_a_zone_comes_back_with_its_zone(value: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    # Local times that a change of the clock skips are no moments.
    there = value.replace(tzinfo=zone)
    assume(there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == value)
    result = back(STRUCTS.of_moment, there)
    assert isinstance(result, datetime)
    assert (result, result.utcoffset()) == (there, there.utcoffset())
    assert getattr(result.tzinfo, "key", "Etc/UTC") == name


@steady
@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(-1439, 1439),
)
def test_a_moment_with_an_offset_is_the_same_moment(value: datetime, minutes: int) -> None:
    there = value.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    result = back(STRUCTS.of_moment, there)
    assert isinstance(result, datetime)
    assert (result, result.tzinfo) == (there, UTC)


def test_the_names_of_zones_may_be_bytes() -> None:
    # As they are if binaries become bytes.
    value = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    fields = made(STRUCTS.of_moment, value)
    names = {"time_zone": b"Europe/Berlin", "zone_abbr": b"CEST"}
    result = _structs.from_struct({**fields, **names})
    assert isinstance(result, datetime)
    assert (result, result.tzinfo) == (value, value.tzinfo)


@steady
@given(BIG, BIG, STEPS)
def test_a_range_comes_back(start: int, stop: int, step: int) -> None:
    value = range(start, stop, step)
    result = back(STRUCTS.of_range, value)
    assert isinstance(result, range)
    assert (result.start, result.stop, result.step) == (start, stop, step)


@steady
@given(st.frozensets(st.integers() | st.text() | st.tuples(st.integers())))
def test_a_set_comes_back(value: frozenset[object]) -> None:
    assert back(STRUCTS.of_set, value) == value


@steady
@given(st.decimals(allow_nan=False))
def test_a_decimal_comes_back_with_its_digits(value: Decimal) -> None:
    result = back(STRUCTS.of_decimal, value)
    assert isinstance(result, Decimal)
    assert result.as_tuple() == value.as_tuple()


def test_no_number_stays_none() -> None:
    assert str(back(STRUCTS.of_decimal, Decimal("NaN"))) == "NaN"


ANYTHING = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner),
    max_leaves=5,
)
FIELDS = [
    "calendar year month day hour minute second microsecond utc_offset std_offset time_zone",
    "zone_abbr first last step map sign coef exp",
]
NAMES = [
    f"Elixir.{name}" for name in "Date Time NaiveDateTime DateTime Range MapSet Decimal".split()
]


@steady
@given(
    st.dictionaries(st.sampled_from(" ".join(FIELDS).split()), ANYTHING),
    st.sampled_from(NAMES),
    st.booleans(),
)
def test_fields_of_any_kind_are_a_value_or_refused(
    fields: dict[str, object], name: str, iso: bool
) -> None:
    calendar = {"calendar": "Elixir.Calendar.ISO"} if iso else {}
    try:
        _structs.from_struct({**fields, **calendar, "__struct__": name})
    except (TypeError, ValueError):
        assert name != ""


@pytest.fixture
def twins() -> Any:
    _structs.install(["Elixir.Range", "Elixir.Stream"], {"map_set": [], "decimal": True})
    yield
    _structs.install([], None)


@pytest.mark.usefixtures("twins")
def test_values_become_structs_until_the_next_start() -> None:
    assert erlang.call("echo", [date(2024, 1, 2), {1, 2}]) == [date(2024, 1, 2), {1, 2}]
    assert erlang.call("conversion_text", date(2024, 1, 2)).startswith("#{")
    _structs.install([], None)
    assert erlang.call("echo", [date(2024, 1, 2)]) == ["2024-01-02"]
    assert sorted(erlang.call("echo", {1, 2})) == [1, 2]


@pytest.mark.usefixtures("twins")
def test_an_adapter_of_a_user_stays() -> None:
    class Day(date):
        pass

    erlang.register_adapter(Day, lambda day: day.year)
    assert erlang.call("echo", Day(2024, 1, 2)) == 2024
    _structs.install([], None)
    assert erlang.call("echo", Day(2024, 1, 2)) == 2024


@pytest.mark.usefixtures("twins")
def test_only_structs_without_a_twin_are_refused() -> None:
    assert _structs.from_struct({"__struct__": "Elixir.Range", "first": 1, "last": 2}) == range(
        1, 3
    )
    with pytest.raises(TypeError, match=r"the struct Stream.*Enum\.to_list/1"):
        _structs.from_struct({"__struct__": "Elixir.Stream"})


def test_the_usual_adapters_are_back() -> None:
    assert _adapters.adapt(date(2024, 1, 2)) == "2024-01-02"
    assert _adapters.overriding.get(set) is None
