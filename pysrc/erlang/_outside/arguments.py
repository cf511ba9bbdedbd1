# SPDX-License-Identifier: Apache-2.0
"""The arguments of a call, checked as `nif/calls/call_arguments.h` checks them."""

import math
from typing import Any, NamedTuple

# Over thirty years, in seconds: no limit. A clock's time and this number fit the system's clocks.
_FOREVER = 1e9


class Arguments(NamedTuple):
    """A call that is well formed."""

    name: str
    args: tuple[object, ...]
    # In seconds, not negative.
    timeout: float | None
    wait: bool | None
    # What binaries of the result become: "text" or "bytes".
    binaries: str | None


def read(
    function: str,
    name: Any,
    args: tuple[object, ...],
    timeout: Any,
    wait: Any,
    binaries: Any,
) -> Arguments:
    """The call of ``name`` by ``function``.

    Raises:
        TypeError: A value has a bad type.
        ValueError: The time limit is nan or too large, the name can't be encoded, or there is no
            such choice for binaries.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise TypeError(f"{function}(): the function's name must be str, not {kind}")
    name.encode()
    return Arguments(name, args, _seconds(timeout), _choice(wait), _binaries(binaries))


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    try:
        # float() would take a text too.
        seconds = math.fsum((value,))
    except OverflowError:
        raise ValueError(
            "timeout must be between -1.79e308 and 1.79e308 seconds, or None for no limit"
        ) from None
    except TypeError:
        raise TypeError(
            f"timeout must be a number of seconds or None, not {type(value).__name__}"
        ) from None
    if math.isnan(seconds):
        raise ValueError("timeout must be a number of seconds, not nan")
    return None if seconds >= _FOREVER else max(seconds, 0.0)


def _choice(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    cls = type(value)
    # By name, since numpy may be missing. numpy 1 says "bool_".
    if cls.__module__ == "numpy" and cls.__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError(f"wait must be True, False or None, not {cls.__name__}")


def _binaries(value: Any) -> str | None:
    if value is None:
        return None
    expected = "binaries must be 'text', 'bytes' or None"
    if not isinstance(value, str):
        raise TypeError(f"{expected}, not {type(value).__name__}")
    if value not in ("text", "bytes"):
        raise ValueError(expected)
    return value
