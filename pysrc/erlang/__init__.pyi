# SPDX-License-Identifier: Apache-2.0
"""Erlang functions from Python, inside an Erlang node; see the package's own docstring."""

from typing import Any, NoReturn, Self, SupportsIndex, TypedDict, final

from erlang._adapters import register_adapter as register_adapter
from erlang._call import Call as Call
from erlang._errors import BlockingCallWarning as BlockingCallWarning
from erlang._errors import Disconnected as Disconnected
from erlang._errors import Error as Error
from erlang._errors import Interrupted as Interrupted
from erlang._errors import Overloaded as Overloaded
from erlang._errors import Timeout as Timeout
from erlang._errors import UndefinedFunction as UndefinedFunction
from erlang._function import Function as Function
from erlang._function import function as function

__all__ = [
    "Atom",
    "BlockingCallWarning",
    "Call",
    "Disconnected",
    "Error",
    "Fun",
    "Function",
    "Interrupted",
    "Overloaded",
    "Pid",
    "Port",
    "Ref",
    "Timeout",
    "UndefinedFunction",
    "async_call",
    "call",
    "function",
    "register_adapter",
    "send",
    "stats",
]

def call(
    name: str, /, *args: object, timeout: float | None = None, wait: bool | None = None
) -> Any:
    """Call the Erlang function registered as ``name`` and wait for its result.

    The GIL is released while the thread waits. Works on every thread that holds the GIL: Python's
    main thread, ``threading``, executors, threads made by C. On a thread whose event loop is
    running it blocks that loop, and warns once for each place (`BlockingCallWarning`).

    Args:
        name: What the function is registered as; never made an atom.
        *args: Converted to Erlang terms; the function gets them as one list.
        timeout: Seconds until the wait ends and the Erlang process is stopped; ``None`` for no
            limit.
        wait: What to do when as many calls of the function run as its ``concurrency`` allows:
            stand in line (``True``), fail at once (``False``), or what the function was registered
            with (``None``). Standing in line takes from ``timeout``.

    Returns:
        The function's result, converted.

    Raises:
        erlang.Error: The function failed; ``kind`` and ``reason`` say how.
        erlang.UndefinedFunction: Nothing is registered as ``name``.
        erlang.Timeout: No reply within ``timeout``.
        erlang.Disconnected: The Erlang process that worked on it died.
        erlang.Overloaded: Too many calls are in flight (``max_in_flight``), or calls of this
            function (its ``concurrency``) unless the call waits.
        TypeError: An argument, or the result, has no twin on the other side; names the place,
            e.g. ``args[0]['k'][3]``.
        ValueError: A value can't be sent, such as text with lone surrogates.
        RecursionError: An argument is nested too deeply.

    Example:
        >>> erlang.call("double_it", 21)
        42
    """

def async_call(
    name: str, /, *args: object, timeout: float | None = None, wait: bool | None = None
) -> Call[Any]:
    """Start the Erlang function registered as ``name``; await the result.

    The call is under way when this returns. What it returns is a future of the running loop, and
    also accepted where a coroutine is asked for: ``await``, ``gather``, ``wait_for``, ``timeout``,
    ``shield``, ``as_completed``, ``create_task``, ``TaskGroup.create_task``.

    Args:
        name: What the function is registered as; never made an atom.
        *args: Converted to Erlang terms; the function gets them as one list.
        timeout: Seconds until the call is stopped on the Erlang side; ``None`` for no limit.
        wait: Whether it stands in line when the function is busy, as for `call`.

    Raises:
        RuntimeError: No event loop is running in this thread.
        TypeError: An argument has no Erlang twin; at once, names the place. The same for the
            result, when awaited.
        erlang.Error: When awaited; it or one of its subclasses, as for `call`.

    Cancelling it, or the task that awaits it, stops the Erlang process that works on the call.

    Example:
        >>> await asyncio.gather(*(erlang.async_call("double_it", n) for n in range(3)))
        [0, 2, 4]
    """

def send(to: Pid | str | tuple[Atom, Atom], term: object, /) -> None:
    """Send a message to an Erlang process.

    Args:
        to: A `Pid`, the name of a process registered on this node, or ``(name, node)`` as atoms.
        term: The message, converted.

    Raises:
        ValueError: No process of this node has that name.
        TypeError: ``to`` is none of these, or ``term`` has no Erlang twin.

    A `Pid` whose process has ended, and what is sent to other nodes, is not reported, as in Erlang.
    """

class _Stats(TypedDict):
    calls: int
    in_flight: int
    refused: int
    stale: int
    total_us: int
    channels: int
    pooled_channels: int
    contexts: int
    loops: int
    histogram: list[int]

def stats() -> _Stats:
    """Counters and a latency histogram of this node's bridge, as a dict of its own.

    ``calls``: started since the node's start; ``in_flight``: not yet ended; ``refused``: over the
    configured limit; ``stale``: replies that nobody waited for any longer; ``total_us``: what the
    ended calls took, in microseconds; ``channels``: of threads and loops, with the
    ``pooled_channels`` that wait for their next one; ``contexts``: threads that run Erlang's calls
    of Python; ``loops``: event loops that have called Erlang. Bucket ``n`` of ``histogram`` counts
    the calls that took less than ``2**n`` microseconds, and no less than half of that.
    """

@final
class Atom(str):
    """An Erlang atom: equal to its text, and the same atom again when sent to Erlang.

    Atoms are never freed by Erlang: make them of a fixed set of texts only. A node lets Python make
    100,000 that it did not know.

    Raises:
        ValueError: The text is too long (255 characters), can't be encoded, or the limit of new
            atoms is reached.
    """

    def __new__(cls, text: str, /) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...

class _Term:
    def __new__(cls, *args: object) -> NoReturn: ...
    def __lt__(self, other: _Term, /) -> bool: ...
    def __le__(self, other: _Term, /) -> bool: ...
    def __gt__(self, other: _Term, /) -> bool: ...
    def __ge__(self, other: _Term, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]: ...

@final
class Pid(_Term):
    """An Erlang process: comes from Erlang, equal when Erlang says so, the same when sent back."""

@final
class Ref(_Term):
    """An Erlang reference."""

@final
class Port(_Term):
    """An Erlang port."""

@final
class Fun(_Term):
    """An Erlang fun. Python can keep it and send it, not call it."""

def __getattr__(name: str) -> Function:
    """Registered Erlang functions as attributes: ``erlang.double_it(21)``.

    Raises:
        AttributeError: Nothing is registered as ``name`` (``ImportError`` in an import).
    """
