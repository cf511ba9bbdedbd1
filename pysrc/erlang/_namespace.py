# SPDX-License-Identifier: Apache-2.0
"""The names of requests, and the globals of ``py:eval`` and ``py:exec``.

The globals are those of ``__main__``, or those of a context.

An Erlang process that holds a context has globals and context variables of its own. They last until
the process gives the context back.
"""

import builtins
import sys
import threading
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple

import __main__
import _erlang


class _Thread(threading.local):
    own: dict[str, Any] | None = None


_thread = _Thread()


def enter_private() -> None:
    """Gives this thread empty globals: one process holds its context."""
    _thread.own = {
        "__name__": "__main__",
        "__builtins__": builtins,
        "erlang": sys.modules["erlang"],
    }
    _erlang.keep_context(True)


def leave_private() -> None:
    """Gives this thread the common globals again."""
    _thread.own = None
    _erlang.keep_context(False)


def namespace() -> dict[str, Any]:
    """The globals for code that runs in this thread now."""
    return __main__.__dict__ if _thread.own is None else _thread.own


class Invocation(NamedTuple):
    """A callable by its names, and its arguments."""

    module: str
    function: str
    args: list[Any]
    kwargs: dict[str, Any]

    def invoke(self) -> Any:
        return invoke(*self)


def invoke(module: str, function: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Calls the function; the value of a coroutine function is its coroutine."""
    return resolve(module, function)(*args, **kwargs)


def resolve(module: str, function: str) -> Callable[..., Any]:
    """Returns the callable ``function`` (a dotted path) of ``module``."""
    if module == "__main__":
        first, *path = function.split(".")
        return reduce(getattr, path, _lookup(first))  # type: ignore[return-value]
    return reduce(getattr, function.split("."), import_module(module))  # type: ignore[return-value]


def _lookup(name: str) -> object:
    """The object of this name in ``__main__``, as this thread sees it."""
    try:
        return namespace()[name]
    except KeyError:
        raise AttributeError(f"module '__main__' has no attribute '{name}'") from None
