# SPDX-License-Identifier: Apache-2.0
"""The Erlang side of the conversion tests; see support/conversion_functions.erl."""

from typing import Any, Literal

import erlang

Binaries = Literal["text", "bytes"]


def echo(value: object, binaries: Binaries | None = None) -> Any:
    """Return the value that comes back from Erlang for `value`."""
    return erlang.call("conversion_echo", value, binaries=binaries)


def term(text: str, binaries: Binaries | None = None) -> Any:
    """The Python value of an Erlang expression."""
    return erlang.call("conversion_term", text, binaries=binaries)


def printed(value: object) -> str:
    """`value` as Erlang prints it."""
    text = erlang.call("conversion_text", value)
    assert isinstance(text, str)
    return text


def is_same(value: object, text: str) -> bool:
    """Return whether `value` becomes exactly (=:=) the value of the Erlang expression."""
    same = erlang.call("conversion_same", value, text)
    assert isinstance(same, bool)
    return same


def alike(left: object, right: object) -> bool:
    """Return whether both are equal, with the same types at all levels and signs of zeros."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return left.hex() == right.hex()  # type: ignore[attr-defined]
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))  # type: ignore[arg-type]
    if isinstance(left, dict):
        return left == right and all(alike(left[key], right[key]) for key in left)  # type: ignore[index]
    return left == right
