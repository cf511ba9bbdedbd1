# SPDX-License-Identifier: Apache-2.0
"""Registered Erlang functions as Python callables."""

import asyncio
import inspect
import sys
from typing import Any, Literal

from erlang import _bridge
from erlang._call import Call
from erlang._errors import Disconnected, Error, NoNode


class Function:
    """A registered Erlang function: ``f(*args)`` blocks, ``await f.aio(*args)`` does not.

    Attributes:
        name: The name of the function.
        binaries: What binaries of the results become, if the call does not say; see `erlang.call`.
    """

    __slots__ = ("__name__", "binaries", "name")

    def __init__(self, name: str, *, binaries: Literal["text", "bytes"] | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a function's name must be str, not {type(name).__name__}")
        if binaries not in ("text", "bytes", None):
            raise ValueError(f"binaries must be 'text', 'bytes' or None, not {binaries!r}")
        self.name = name
        self.binaries = binaries
        self.__name__ = name

    def __call__(
        self,
        *args: object,
        timeout: float | None = None,
        wait: bool | None = None,
        binaries: Literal["text", "bytes"] | None = None,
    ) -> Any:
        """Call and wait, as `erlang.call` does."""
        return _bridge.call_for_caller(
            self.name, *args, timeout=timeout, wait=wait, binaries=binaries or self.binaries
        )

    def aio(
        self,
        *args: object,
        timeout: float | None = None,
        wait: bool | None = None,
        binaries: Literal["text", "bytes"] | None = None,
    ) -> Call[Any]:
        """Start the call, as `erlang.async_call` does."""
        return _bridge.async_call(
            self.name, *args, timeout=timeout, wait=wait, binaries=binaries or self.binaries
        )

    def __repr__(self) -> str:
        binaries = f", binaries={self.binaries!r}" if self.binaries else ""
        return f"erlang.function({self.name!r}{binaries})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return Function, self.name, self.binaries


# Tools ask whether to await the result or to use a thread.
if sys.version_info >= (3, 12):
    inspect.markcoroutinefunction(Function.aio)
else:
    Function.aio._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]


def function(name: str, /, *, binaries: Literal["text", "bytes"] | None = None) -> Function:
    """A reusable callable for the Erlang function registered as ``name``.

    Each call looks the name up again, so the function can be registered later or replaced.
    ``binaries`` is for all its calls, see `erlang.call`.

    Example:
        >>> double_it = erlang.function("double_it")
        >>> double_it(21)
        42
    """
    return Function(name, binaries=binaries)


def registered() -> list[str]:
    """The names of the Erlang functions that can be called now, sorted.

    Raises:
        erlang.NoNode: There is no node here.
        erlang.Disconnected: The application does not run.

    Example:
        >>> erlang.registered()
        ['double_it']
    """
    return list(_bridge.ask("$registered"))


def registered_function(name: str) -> Function:
    """`function`, but raises ``AttributeError`` for a name that is not registered now."""
    # Tools probe modules for special names. Do not ask Erlang for those.
    if not name.startswith("__") and _is_registered(name):
        return Function(name)
    raise AttributeError(
        f"module 'erlang' has no attribute {name!r}; no Erlang function is registered as {name!r}"
    )


def _is_registered(name: str) -> bool:
    try:
        answer = _bridge.ask("$is_registered", name)
        if answer == "not_running":
            raise Disconnected(f"{name}: the application erlang_python is not running", kind="exit")
        return bool(answer)
    except (Error, NoNode):
        # A failed question is no answer. But `import` looks here for modules of this package too,
        # even before the application runs.
        if name.startswith("_"):
            return False
        raise
    except RuntimeError:  # a fork of the node
        return False
