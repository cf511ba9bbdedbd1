# SPDX-License-Identifier: Apache-2.0
"""The place of a conversion in its value, for error texts: ``args[0]['k'][3]``.

The texts are those of the native conversion, see `nif/conversion/value_path.h`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from erlang._fields import fields_of

# The limit of nesting, in both directions.
MAX_DEPTH = 1000
# Steps shown at each end of a long path.
_STEPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a container; exactly one of the ways below."""

    container: object
    index: int = 0
    # x[key], or x.key if x is the dict of an instance with named fields.
    key: object = None
    is_key: bool = False
    # list(x)[index]: an element of a set, or a key of a dict.
    is_element: bool = False
    # What an adapter returned for x.
    is_converted: bool = False


def rendered(root: str, steps: Sequence[Step]) -> str:
    path = root
    for number, step in enumerate(steps):
        if len(steps) > 2 * _STEPS_SHOWN and _STEPS_SHOWN <= number < len(steps) - _STEPS_SHOWN:
            if number == _STEPS_SHOWN:
                path += "[...]"
            continue
        if step.is_converted:
            continue
        if step.is_element:
            path = f"list({path})[{step.index}]"
        elif step.is_key:
            path += _key(step.key, steps[number - 1] if number else None)
        else:
            path += f"[{step.index}]"
    return path


def _key(key: object, before: Step | None) -> str:
    if isinstance(key, str):
        # An Atom equals its text, so ['name'] finds its entry and reads better.
        key = str.__str__(key)
        if before is not None and before.is_converted and fields_of(type(before.container)):
            return "." + _shortened(_printable(key))
    return f"[{short_repr(key)}]"


def short_repr(value: object) -> str:
    try:
        return _shortened(_printable(repr(value)))
    except Exception:
        return f"<{type(value).__name__} object>"


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _shortened(text: str, limit: int = 80) -> str:
    """At most ``limit`` bytes of UTF-8, and dots in place of the rest."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode(errors="ignore") + "..."


def too_deep(root: str, steps: Sequence[Step], value: object = None) -> Exception:
    """The error for a value at the end of the path, which nests deeper than `MAX_DEPTH`."""
    containers = [step.container for step in steps] + [value]
    first: dict[int, int] = {}
    for number, container in enumerate(containers):
        if container is None:
            continue
        if id(container) in first:
            kind = type(container).__name__
            place = rendered(root, steps[:number])
            return ValueError(f"{place}: the '{kind}' here contains itself")
        first[id(container)] = number
    place = rendered(root, steps)
    return RecursionError(f"{place}: nested deeper than {MAX_DEPTH} levels")
