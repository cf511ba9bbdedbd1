# SPDX-License-Identifier: Apache-2.0
"""Python functions in the place of Erlang functions, for unit tests outside of a node."""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from erlang._bridge import IN_NODE
from erlang._call import Call
from erlang._errors import make_error
from erlang._outside import nodes, task_calls
from erlang._outside.arguments import Arguments
from erlang._outside.decoding import decoded
from erlang._outside.encoding import encoded


class FakeNode:
    """The node of a test.

    Attributes:
        calls: What was called, in order: the name, and the arguments as the function got them.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._functions = dict(functions)

    def call(self, call: Arguments, /) -> Any:
        """Calls a function, for `erlang.call`."""
        result = self._result(call)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError(f"the fake {call.name!r} is a coroutine function; await async_call")
        return result

    def start(self, call: Arguments, /) -> Call[Any]:
        """Calls a function, for `erlang.async_call`. The function may be a coroutine function."""
        return task_calls.start(self._awaited(call), call.name, call.timeout)

    async def _awaited(self, call: Arguments) -> Any:
        result = self._result(call)
        return _converted(call, await result) if inspect.isawaitable(result) else result

    def _result(self, call: Arguments) -> Any:
        """What the function returns, as it would come from Erlang; or an awaitable of it."""
        args = tuple(_argument(arg, f"args[{place}]") for place, arg in enumerate(call.args))
        if call.name == "$is_registered":
            return args[0] in self._functions
        if call.name == "$registered":
            return sorted(self._functions)
        self.calls.append((call.name, args))
        function = self._functions.get(call.name)
        if function is None:
            text = "no fake function has this name"
            raise make_error("undefined_function", call.name, call.name, text, [])
        result = function(*args)
        return result if inspect.isawaitable(result) else _converted(call, result)


def fake(
    functions: Mapping[str, Callable[..., Any]] | None = None, /, **named: Callable[..., Any]
) -> contextlib.AbstractContextManager[FakeNode]:
    """Let calls of Erlang functions call Python functions, until the end of the ``with`` block.

    All threads and loops of the process are affected. Arguments and results are converted to Erlang
    terms and back. So the code under test meets the same types as with a node, and the same errors
    for values that can't be sent. Exceptions of the functions pass unchanged: raise `erlang.Error`
    or one of its subclasses for a failure of the Erlang function. For `erlang.async_call`, a
    function may be a coroutine function.

    Args:
        functions: Functions by their names, which need not be identifiers.
        **named: The functions, by their names.

    Raises:
        RuntimeError: This Python runs inside a node. Register Erlang functions there instead.

    Example:
        >>> with erlang.testing.fake(double_it=lambda number: 2 * number):
        ...     erlang.call("double_it", 21)
        42
    """
    if IN_NODE:
        raise RuntimeError(
            "erlang.testing.fake() is for tests outside of a node; "
            "inside one, register the functions by py:register_function/2"
        )
    return _in_use(FakeNode({**(functions or {}), **named}))


@contextlib.contextmanager
def _in_use(node: FakeNode) -> Iterator[FakeNode]:
    nodes.fakes.append(node)
    try:
        yield node
    finally:
        nodes.fakes.remove(node)


def _argument(value: Any, root: str) -> Any:
    """The value as a function gets it: texts and bytes stay apart, unlike in Erlang."""
    return decoded(encoded(value, root, set(), marked=True))


def _converted(call: Arguments, value: Any) -> Any:
    return decoded(encoded(value, "result", set()), binaries=call.binaries or "text")
