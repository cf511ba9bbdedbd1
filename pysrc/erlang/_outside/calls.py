# SPDX-License-Identifier: Apache-2.0
"""The functions that users call, outside of a node."""

import asyncio
import warnings
from collections.abc import Iterable
from typing import Any, Literal

from erlang._call import Call
from erlang._errors import BlockingCallWarning
from erlang._outside import arguments, maps, nodes
from erlang._types import Atom, Pid


def call(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """Call the Erlang function registered as ``name`` and wait for its result.

    ``timeout`` is in seconds. ``wait``: whether to wait in line if the limit of the function's
    ``concurrency`` is reached; ``None`` does what the function was registered with.
    ``binaries``: what binaries of the result become, ``"text"`` or ``"bytes"``; ``None`` does what
    the function was registered with, or else the node's configuration.

    Raises:
        erlang.NoNode: There is no node here.
        erlang.Error: The function failed. The subclasses are the same as inside a node.
        TypeError: A value can't be converted; the text names its place.
    """
    checked = arguments.read("call", name, args, timeout, wait, binaries)
    _warn_on_loop_thread()
    return nodes.current().call(checked)


def call_for_caller(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """`call`, for a Python function that wraps it: warnings point to the caller."""
    checked = arguments.read("call", name, args, timeout, wait, binaries)
    _warn_on_loop_thread(1)
    return nodes.current().call(checked)


def ask(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """`call` without the warning, for short questions of the package itself."""
    return nodes.current().call(arguments.read("ask", name, args, timeout, wait, binaries))


def async_call(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Call[Any]:
    """Start the Erlang function registered as ``name``; await the result.

    Returns an `erlang.Call`: a future of the running loop; ``create_task`` takes it too.
    ``timeout``, ``wait``, ``binaries`` and the exceptions of the await: as `call`. Cancelling the
    call stops the Erlang process that works on it.

    Raises:
        RuntimeError: No event loop is running in this thread.
        erlang.NoNode: There is no node here.
    """
    checked = arguments.read("async_call", name, args, timeout, wait, binaries)
    _check_running_loop("async_call")
    return nodes.current().start(checked)


def map(
    name: str,
    items: Iterable[object],
    /,
    *,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
    concurrency: int | None = None,
) -> Call[list[Any]]:
    """Call the Erlang function registered as ``name`` once for each item; await the results.

    The result is the list of all results, in the order of the items. ``timeout`` is for all of it,
    ``concurrency`` the number of items that run at once. The first failure stops the others and is
    raised in the await; a note names the item. Cancelling the call stops all of it.

    Raises:
        RuntimeError: No event loop is running in this thread.
        erlang.NoNode: There is no node here.
    """
    checked = arguments.read("map", name, (), timeout, wait, binaries)
    _check_running_loop("map")
    return maps.start(nodes.current(), checked, [(item,) for item in items], concurrency)


def starmap(
    name: str,
    items: Iterable[Iterable[object]],
    /,
    *,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
    concurrency: int | None = None,
) -> Call[list[Any]]:
    """As `map`, but each item is an iterable of all arguments of its call.

    Raises:
        RuntimeError: No event loop is running in this thread.
        erlang.NoNode: There is no node here.
        TypeError: An item is no iterable.
    """
    checked = arguments.read("starmap", name, (), timeout, wait, binaries)
    _check_running_loop("starmap")
    return maps.start(nodes.current(), checked, maps.argument_tuples(items), concurrency)


def send(to: object, term: object, /) -> None:
    """Send a message to an Erlang process.

    ``to`` is a `Pid`, a name that is registered on the node, or ``(name, node)`` as atoms.

    Raises:
        erlang.NoNode: There is no node here.
        ValueError: No process of the node has that name.
    """
    is_name_and_node = isinstance(to, tuple) and [type(part) for part in to] == [Atom, Atom]
    if not isinstance(to, str | Pid) and not is_name_and_node:
        raise TypeError(
            "send() takes a Pid, a registered name, or (Atom(name), Atom(node)), "
            f"not {type(to).__name__}"
        )
    if not ask("$send", to, term):
        raise ValueError(f"no Erlang process is registered as {to!r} on this node")


def stats() -> dict[str, Any]:
    """Counters and a latency histogram of the node's bridge, as a new dict.

    Bucket ``n`` of ``histogram`` counts the calls that took less than ``2**n`` microseconds.

    Raises:
        erlang.NoNode: There is no node here.
    """
    return {str(name): value for name, value in ask("$stats").items()}


def _check_running_loop(function: str) -> None:
    if asyncio._get_running_loop() is None:
        raise RuntimeError(
            f"erlang.{function} needs a running event loop; use erlang.call outside of coroutines"
        )


def _warn_on_loop_thread(wrappers: int = 0) -> None:
    if asyncio._get_running_loop() is not None:
        warnings.warn(
            "erlang.call blocks the event loop that runs in this thread; "
            "await erlang.async_call instead",
            BlockingCallWarning,
            stacklevel=3 + wrappers,
        )
