# SPDX-License-Identifier: Apache-2.0
"""Elixir's structs: their values in Python, and the structs of Python's values.

The conversion in C++ passes the dict of a struct's fields to `from_struct`. In the other direction,
`install` lets Python's dates, decimals, sets and ranges become structs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from erlang import _adapters

Fields = dict[str, Any]

_STRUCT = "__struct__"
_ISO = "Elixir.Calendar.ISO"
_ETC_UTC = "Etc/UTC"

# The structs that Elixir can enumerate. A dict of their fields is no collection of their items.
_enumerable: frozenset[str] = frozenset()


def from_struct(fields: Fields) -> object:
    """The value of the struct with these fields; the fields if the struct is of another kind.

    Raises:
        TypeError: The struct is a collection that Python would take for its fields.
        ValueError: Python has no such value, e.g. a year after 9999.
    """
    name = str(fields[_STRUCT])
    read = _READERS.get(name)
    if read is not None:
        try:
            return read(fields)
        except (ArithmeticError, AttributeError, LookupError) as error:
            raise ValueError(f"the fields of the struct {name} are no value: {error!r}") from error
    if name in _enumerable:
        raise TypeError(
            f"there is no Python value for the struct {name.removeprefix('Elixir.')}: Python would "
            "take its fields for its items; send Enum.to_list/1 of it, or register a function for "
            "it by py_adapter:register/2"
        )
    return fields


def _date(fields: Fields) -> date:
    _check_calendar(fields)
    return date(fields["year"], fields["month"], fields["day"])


def _time(fields: Fields) -> time:
    _check_calendar(fields)
    return time(fields["hour"], fields["minute"], fields["second"], fields["microsecond"][0])


def _naive(fields: Fields) -> datetime:
    return datetime.combine(_date(fields), _time(fields))


def _aware(fields: Fields) -> datetime:
    offset = timedelta(seconds=fields["utc_offset"] + fields["std_offset"])
    name, local = _text(fields["time_zone"]), _naive(fields)
    if name == _ETC_UTC:
        return local.replace(tzinfo=UTC)
    zone = _zone(name)
    for fold in (0, 1) if zone is not None else ():
        moment = local.replace(tzinfo=zone, fold=fold)
        if moment.utcoffset() == offset:
            return moment
    # The databases of time zones differ: the offset alone is certain.
    return local.replace(tzinfo=timezone(offset, _text(fields["zone_abbr"])))


def _text(binary: str | bytes) -> str:
    """A binary that is always text, whatever binaries are to become."""
    return binary.decode() if isinstance(binary, bytes) else binary


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _check_calendar(fields: Fields) -> None:
    if fields["calendar"] != _ISO:
        raise TypeError(
            f"Python has no calendar like {fields['calendar']}; convert to Calendar.ISO"
        )


def _range(fields: Fields) -> range:
    first, last = fields["first"], fields["last"]
    step = fields.get("step", 1 if first <= last else -1)  # Elixir 1.11 has no steps
    return range(first, last + (1 if step > 0 else -1), step)


def _set(fields: Fields) -> set[Any]:
    return set(fields["map"])


def _decimal(fields: Fields) -> Decimal:
    sign, coefficient = int(fields["sign"] < 0), fields["coef"]
    if isinstance(coefficient, str):  # an atom: NaN or inf
        return Decimal(("-" if sign else "") + coefficient)
    return Decimal((sign, tuple(map(int, str(coefficient))), fields["exp"]))


_READERS: dict[str, Callable[[Fields], object]] = {
    "Elixir.Date": _date,
    "Elixir.DateTime": _aware,
    "Elixir.Decimal": _decimal,
    "Elixir.MapSet": _set,
    "Elixir.NaiveDateTime": _naive,
    "Elixir.Range": _range,
    "Elixir.Time": _time,
}


@dataclass(frozen=True)
class Structs:
    """Makes structs of Python's values, as dicts with atoms as keys."""

    atom: Callable[[str], str]
    # The fields of an empty MapSet, which differ between versions of Elixir.
    map_set: Mapping[str, object]

    def struct(self, name: str, fields: Mapping[str, object]) -> Fields:
        made: Fields = {self.atom(key): value for key, value in fields.items()}
        made[self.atom(_STRUCT)] = self.atom(f"Elixir.{name}")
        return made

    def of_day(self, day: date) -> object:
        if not _has_iso_text(day):
            return NotImplemented
        return self.struct("Date", self._day(day))

    def of_time(self, moment: time) -> object:
        if moment.tzinfo is not None:  # Elixir has no such time
            return moment.isoformat()
        return self.struct("Time", self._time(moment))

    def of_moment(self, moment: datetime) -> object:
        if not _has_iso_text(moment):
            return NotImplemented
        offset = moment.utcoffset()
        if offset is None:
            return self.struct("NaiveDateTime", self._moment(moment))
        zone = getattr(moment.tzinfo, "key", None)
        if zone is None:  # an offset without a zone: the same moment in UTC
            zone, offset, moment = _ETC_UTC, timedelta(0), moment.astimezone(UTC)
        saving = moment.dst() or timedelta(0)
        place = {
            "time_zone": zone,
            "zone_abbr": moment.tzname(),
            "utc_offset": round((offset - saving).total_seconds()),
            "std_offset": round(saving.total_seconds()),
        }
        return self.struct("DateTime", self._moment(moment) | place)

    def of_range(self, numbers: range) -> Fields:
        last = numbers.stop - (1 if numbers.step > 0 else -1)
        fields = {"first": numbers.start, "last": last, "step": numbers.step}
        return self.struct("Range", fields)

    def of_set(self, items: Iterable[object]) -> Fields:
        return self.struct("MapSet", {**self.map_set, "map": {item: [] for item in items}})

    def of_decimal(self, number: Decimal) -> Fields:
        sign, digits, exponent = number.as_tuple()
        fields: dict[str, object] = {"sign": -1 if sign else 1, "exp": 0}
        if isinstance(exponent, str):
            fields["coef"] = self.atom("inf" if exponent == "F" else "NaN")
        else:
            fields.update(coef=int("".join(map(str, digits)) or "0"), exp=exponent)
        return self.struct("Decimal", fields)

    def _day(self, day: date) -> Fields:
        calendar = self.atom(_ISO)
        return {"calendar": calendar, "year": day.year, "month": day.month, "day": day.day}

    def _time(self, moment: time | datetime) -> Fields:
        # Elixir's precision is a number of digits.
        fraction = (moment.microsecond, 6 if moment.microsecond else 0)
        return {
            "calendar": self.atom(_ISO),
            "hour": moment.hour,
            "minute": moment.minute,
            "second": moment.second,
            "microsecond": fraction,
        }

    def _moment(self, moment: datetime) -> Fields:
        return self._day(moment) | self._time(moment)


def _has_iso_text(day: date) -> bool:
    """False for a moment that the conversion to text refuses too, such as pandas' NaT."""
    return _adapters.iso_8601(day) is not NotImplemented


def install(enumerable: Iterable[str], wanted: Mapping[str, Any] | None) -> None:
    """Sets which structs are refused, and whether values become structs.

    Args:
        enumerable: The names of the structs that Elixir can enumerate.
        wanted: With `map_set`, the pairs of fields of an empty MapSet, and `decimal`, whether there
            is a module Decimal; None if no value becomes a struct.
    """
    global _enumerable
    _enumerable = frozenset(map(str, enumerable)) - _READERS.keys()
    _adapters.let_become(_twins(wanted) if wanted is not None else {})


def _twins(wanted: Mapping[str, Any]) -> dict[type, Callable[[Any], object]]:
    from erlang._types import Atom  # not at the top: fuzzers convert without the module

    structs = Structs(Atom, dict(wanted["map_set"]))
    twins: dict[type, Callable[[Any], object]] = {
        date: structs.of_day,
        datetime: structs.of_moment,
        time: structs.of_time,
        range: structs.of_range,
        set: structs.of_set,
        frozenset: structs.of_set,
    }
    if wanted["decimal"]:
        twins[Decimal] = structs.of_decimal
    return twins
