# SPDX-License-Identifier: Apache-2.0
"""What becomes of Python objects whose class Erlang knows nothing of.

The conversion in C++ asks `adapt` for objects that it can't convert by itself, and for members of
enumerations; it converts what comes back in their place.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from pathlib import PurePath
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
    return NotImplemented


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


def _iso_8601(moment: date | time) -> str:
    return moment.isoformat()


adapt.register(Enum, _enum_value)
for _moment in (datetime, date, time):
    adapt.register(_moment, _iso_8601)
for _printable in (UUID, Decimal, PurePath):
    adapt.register(_printable, str)
