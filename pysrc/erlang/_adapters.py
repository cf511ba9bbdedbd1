# SPDX-License-Identifier: Apache-2.0
"""Adapters: values that stand in for Python objects whose class has no Erlang type.

The conversion calls `adapt` for objects that it can't convert itself, and for members of
enumerations. Then it converts the value that `adapt` returns.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from numbers import Complex, Integral, Real
from operator import index
from pathlib import PurePath
from reprlib import repr as short_repr
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from erlang._fields import fields_of

T = TypeVar("T")

# Classes that the conversion converts itself. For a class derived from one of them, it calls
# `adapt` only if the class is in `overriding`.
_CONVERTIBLE: tuple[type, ...] = (
    int,
    float,
    str,
    bytes,
    bytearray,
    memoryview,
    list,
    tuple,
    dict,
    set,
    frozenset,
)

# Registered classes that derive from a convertible class. The conversion reads this dict.
overriding: dict[type, bool] = {}

# The usual functions, and those of `let_become`, by class.
_becoming: dict[type, tuple[Callable[[Any], object], Callable[[Any], object]]] = {}

_lock = Lock()


@singledispatch
def adapt(value: object) -> object:
    """Return the value to send in place of `value`; `NotImplemented` if there is none."""
    if fields := fields_of(type(value)):
        return fields(value)
    # Not registered for `Real`: in an enumeration of ints, `Real` would take precedence over
    # `Enum`. Two registered abstract classes could also be ambiguous.
    if isinstance(value, Real):
        return _equal_number(value)
    if isinstance(value, Mapping):
        return _unambiguous(value)
    if _is_numpy_bool(value):
        return bool(value)
    return NotImplemented


def goes_first(cls: type) -> bool:
    """Whether an adapter converts instances of ``cls``, which derives from a convertible class."""
    if issubclass(cls, Enum):
        return True
    return bool(overriding) and any(base in overriding for base in cls.__mro__)


def why_refused(value: object, type_name: str) -> str:
    """Why `adapt` returned `NotImplemented` for `value`, and what to send in its place."""
    this = f"the {type_name!r} {short_repr(value)}"
    if isinstance(value, Real) and _equal_number(value) is NotImplemented:
        return f"{this} equals no Erlang number; send its text or a rounded number"
    if isinstance(value, date | time | timedelta) and not _equals_itself(value):
        return f"{this} is not equal to itself; send None in its place"
    if isinstance(value, date) and not _year_has_four_digits(value):
        return f"{this} has no ISO 8601 text: its year must be from 1 to 9999; send another value"
    if isinstance(value, Mapping):
        return f"{this} has several values for one key; send list(x.items())"
    nothing = f"{type_name!r} objects have no Erlang value"
    if hasattr(type(value), "__await__"):
        return f"{nothing}; await it, and send its result"
    # The .tolist() of a numpy complex number is a complex number too.
    if hasattr(type(value), "tolist") and not isinstance(value, Complex):
        return f"{nothing}; send its .tolist(), or use erlang.register_adapter()"
    return f"{nothing}; erlang.register_adapter() can give them one"


def register_adapter(cls: type[T], function: Callable[[T], object], /) -> None:
    """Let `function` convert instances of `cls`, and of its subclasses, for Erlang.

    `function` gets the instance and returns the value to send in its place. The value can be
    anything that can be sent itself, or `NotImplemented`, which refuses the instance with a
    `TypeError`. An exception of `function` passes through the call that sent the instance. A second
    adapter for the same class replaces the first one. Threads may register and send at the same
    time.

    Raises:
        TypeError: `cls` is not a class, or the conversion of `cls` is fixed, or `function` can't be
            called.
    """
    if not isinstance(cls, type):
        raise TypeError(f"an adapter is for a class, not for {cls!r}")
    if not callable(function):
        raise TypeError(f"the adapter for {cls.__qualname__} can't be called: {function!r}")
    if cls is object or cls in (*_CONVERTIBLE, bool, type(None)) or _is_erlang_type(cls):
        raise TypeError(f"{cls.__qualname__} can't have an adapter: its conversion is fixed")
    with _lock:
        adapt.register(cls, function)
        if issubclass(cls, _CONVERTIBLE):
            overriding[cls] = True


def let_become(others: Mapping[type, Callable[[Any], object]]) -> None:
    """Let other functions convert instances of these classes, until the next such call.

    An adapter that a user has registered stays.
    """
    with _lock:
        for cls, (usual, other) in _becoming.items():
            if adapt.dispatch(cls) is other:
                adapt.register(cls, usual)
            overriding.pop(cls, None)
        _becoming.clear()
        for cls, other in others.items():
            usual = adapt.dispatch(cls)
            if usual in _OWN:
                _becoming[cls] = (usual, adapt.register(cls, other))
                if cls in _CONVERTIBLE:
                    overriding[cls] = True


def _is_erlang_type(cls: type) -> bool:
    return cls.__module__ == "erlang" and cls.__name__ in ("Atom", "Pid", "Ref", "Port", "Fun")


def _enum_value(member: Enum) -> object:
    return member.value


def _equal_number(number: Real) -> object:
    """Returns the int or float that equals `number`, such as a numpy integer. Never rounds."""
    try:
        plain = index(number) if isinstance(number, Integral) else float(number)
    except (TypeError, OverflowError):  # numpy registers its timedelta64 as an integer
        return NotImplemented
    both_nan = not _equals_itself(plain) and not _equals_itself(number)
    return plain if both_nan or plain == number else NotImplemented


def _is_numpy_bool(value: object) -> bool:
    # By name, since numpy may be missing and must not be imported for this. numpy 1 says "bool_".
    cls = type(value)
    return cls.__module__ == "numpy" and cls.__name__ in ("bool", "bool_")


def _items(values: Iterable[object]) -> list[object]:
    return list(values)


def _unambiguous(mapping: Mapping[object, object]) -> object:
    """Returns a dict; refuses a mapping with several values for a key, such as HTTP headers."""
    plain = dict(mapping)
    return plain if len(plain) == len(mapping) else NotImplemented


def iso_8601(moment: date | time) -> object:
    """The text of a moment; `NotImplemented` for one that has none."""
    if not _equals_itself(moment):  # pandas' NaT, whose text would be "NaT"
        return NotImplemented
    if isinstance(moment, date) and not _year_has_four_digits(moment):
        return NotImplemented
    return moment.isoformat()


def _iso_8601_duration(duration: timedelta) -> object:
    if not _equals_itself(duration):
        return NotImplemented
    if hasattr(duration, "isoformat"):  # pandas' Timedelta, which has nanoseconds
        return duration.isoformat()
    absolute = abs(duration)
    minutes, seconds = divmod(absolute.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{absolute.microseconds:06}".rstrip("0") if absolute.microseconds else ""
    parts = ((hours, "H"), (minutes, "M"), (f"{seconds}{fraction}" if fraction else seconds, "S"))
    clock = "".join(f"{number}{unit}" for number, unit in parts if number)
    days = f"{absolute.days}D" if absolute.days else ""
    sign = "-" if duration.days < 0 else ""
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{days}" + (f"T{clock}" if clock else "")


def _year_has_four_digits(day: date) -> bool:
    # Only a class like pandas' Timestamp can have another year. Python's own classes can't.
    return MINYEAR <= day.year <= MAXYEAR


def _equals_itself(value: object) -> bool:
    return bool(value == value)


adapt.register(Enum, _enum_value)
adapt.register(datetime, iso_8601)
adapt.register(date, iso_8601)
adapt.register(time, iso_8601)
adapt.register(timedelta, _iso_8601_duration)
adapt.register(deque, _items)
adapt.register(range, _items)
adapt.register(UUID, str)
adapt.register(Decimal, str)
adapt.register(PurePath, str)

# The functions of this module.
_OWN = frozenset(adapt.registry.values())
