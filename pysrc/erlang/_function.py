# SPDX-License-Identifier: Apache-2.0
"""Registered Erlang functions as Python callables."""

from typing import Any

import _erlang
from erlang._call import Call
from erlang._errors import Error


class Function:
    """An Erlang function by its registered name: ``f(*args)`` blocks, ``f.aio(*args)`` awaits."""

    __slots__ = ("__name__", "name")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a function's name must be str, not {type(name).__name__}")
        self.name = name
        self.__name__ = name

    def __call__(
        self, *args: object, timeout: float | None = None, wait: bool | None = None
    ) -> Any:
        """Call and wait, as `erlang.call` does."""
        return _erlang.call_for_caller(self.name, *args, timeout=timeout, wait=wait)

    def aio(
        self, *args: object, timeout: float | None = None, wait: bool | None = None
    ) -> Call[Any]:
        """Call and await, as `erlang.async_call` does."""
        return _erlang.async_call(self.name, *args, timeout=timeout, wait=wait)

    def __repr__(self) -> str:
        return f"erlang.function({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and other.name == self.name

    def __hash__(self) -> int:
        return hash((Function, self.name))


def function(name: str, /) -> Function:
    """A reusable callable for the Erlang function registered as ``name``.

    The name is looked up at each call, so the function may be registered later or anew.

    Example:
        >>> double_it = erlang.function("double_it")
        >>> double_it(21)
        42
    """
    return Function(name)


def registered_function(name: str) -> Function:
    """`function`, for names that are registered now; ``AttributeError`` for others."""
    # Tools probe modules for special names; none of them is worth a question to Erlang.
    if not name.startswith("__") and _is_registered(name):
        return Function(name)
    raise AttributeError(f"module 'erlang' has no attribute {name!r}, nor is it registered")


def _is_registered(name: str) -> bool:
    try:
        return bool(_erlang.ask("$is_registered", name))
    except Error:
        # Not being able to ask is no answer. But `import` looks here for modules of this package,
        # too, and does so before the application runs.
        if name.startswith("_"):
            return False
        raise
    except RuntimeError:  # a fork of the node
        return False
