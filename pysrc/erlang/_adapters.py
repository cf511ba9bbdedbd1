# SPDX-License-Identifier: Apache-2.0
"""What becomes of Python objects whose class Erlang knows nothing of.

The conversion in C++ asks `adapt` for objects that it can't convert by itself, and for members of
enumerations; it converts what comes back in their place.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from numbers import Integral, Real
from operator import index
from pathlib import PurePath
from reprlib import repr as short_repr
from threading import Lock
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

# Classes that convert by themselves. A class derived from one of them may get an adapter, but the
# conversion must know about it: it would not ask otherwise.
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

# Registered classes derived from a convertible one. Read by the conversion.
overriding: dict[type, bool] = {}

_lock = Lock()


@singledispatch
def adapt(value: object) -> object:
    """Return what to send in the place of `value`; `NotImplemented` when there is nothing."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    # Not registered for `Real`: that would go before Enum in an enumeration of ints.
    if isinstance(value, Real):
        return _equal_number(value)
    if _is_numpy_bool(value):
        return bool(value)
    return NotImplemented


def why_refused(value: object, type_name: str) -> str:
    """Why `adapt` returned `NotImplemented` for `value`, and what to send in its place."""
    this = f"the {type_name!r} {short_repr(value)}"
    if isinstance(value, Real) and _equal_number(value) is NotImplemented:
        return f"{this} equals no Erlang number; send its text or a rounded number"
    if isinstance(value, date | time) and not _equals_itself(value):
        return f"{this} is not equal to itself; send None in its place"
    if isinstance(value, date) and not _year_has_four_digits(value):
        return f"{this} has no ISO 8601 text, whose years are from 1 to 9999; send another value"
    nothing = f"{type_name!r} objects have no Erlang value"
    if hasattr(type(value), "tolist"):
        return f"{nothing}; send its .tolist(), or use erlang.register_adapter()"
    return f"{nothing}; erlang.register_adapter() can give them one"


def register_adapter(cls: type[T], function: Callable[[T], object], /) -> None:
    """Let `function` convert instances of `cls`, and of classes derived from it, for Erlang.

    `function` gets the instance and returns what to send in its place: anything that can be
    converted itself, or `NotImplemented` to refuse the instance with a `TypeError`. What it raises
    passes through the call that sent the instance. A later adapter for the same class replaces
    the earlier one. Any thread may register and send at the same time.

    Raises:
        TypeError: `cls` is not a class, or one that Erlang has a type for, or `function` can't be
            called.
    """
    if not isinstance(cls, type):
        raise TypeError(f"an adapter is for a class, not for {cls!r}")
    if not callable(function):
        raise TypeError(f"the adapter for {cls.__qualname__} can't be called: {function!r}")
    if cls is object or cls in (*_CONVERTIBLE, bool, type(None)) or _is_erlang_type(cls):
        raise TypeError(f"{cls.__qualname__} can't have an adapter")
    with _lock:
        adapt.register(cls, function)
        if issubclass(cls, _CONVERTIBLE):
            overriding[cls] = True


def _is_erlang_type(cls: type) -> bool:
    return cls.__module__ == "erlang" and cls.__name__ in ("Atom", "Pid", "Ref", "Port", "Fun")


def _enum_value(member: Enum) -> object:
    return member.value


def _equal_number(number: Real) -> object:
    """The int or float that equals `number`, an integer of numpy's for instance. Rounds nothing."""
    try:
        plain = index(number) if isinstance(number, Integral) else float(number)
    except (TypeError, OverflowError):  # numpy's timedelta64 is registered as an integer, too
        return NotImplemented
    both_nan = not _equals_itself(plain) and not _equals_itself(number)
    return plain if both_nan or plain == number else NotImplemented


def _is_numpy_bool(value: object) -> bool:
    # By name: numpy may be missing, and is not imported for this. numpy 1 has another name.
    cls = type(value)
    return cls.__module__ == "numpy" and cls.__name__ in ("bool", "bool_")


def _iso_8601(moment: date | time) -> object:
    if not _equals_itself(moment):  # pandas' NaT, whose text would be "NaT"
        return NotImplemented
    if isinstance(moment, date) and not _year_has_four_digits(moment):
        return NotImplemented
    return moment.isoformat()


def _year_has_four_digits(day: date) -> bool:
    # Always so in Python's own classes. A Timestamp of pandas can lie outside.
    return MINYEAR <= day.year <= MAXYEAR


def _equals_itself(value: object) -> bool:
    return bool(value == value)


adapt.register(Enum, _enum_value)
adapt.register(datetime, _iso_8601)
adapt.register(date, _iso_8601)
adapt.register(time, _iso_8601)
adapt.register(UUID, str)
adapt.register(Decimal, str)
adapt.register(PurePath, str)
