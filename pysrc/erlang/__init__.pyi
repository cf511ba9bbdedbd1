# SPDX-License-Identifier: Apache-2.0
"""Erlang functions for Python code in an Erlang node, or beside one; see the package itself."""

from collections.abc import Iterable
from typing import Any, Literal, NoReturn, Self, SupportsIndex, TypedDict, final

from erlang._adapters import register_adapter as register_adapter
from erlang._call import Call as Call
from erlang._errors import BlockingCallWarning as BlockingCallWarning
from erlang._errors import Disconnected as Disconnected
from erlang._errors import Error as Error
from erlang._errors import Interrupted as Interrupted
from erlang._errors import NoNode as NoNode
from erlang._errors import Overloaded as Overloaded
from erlang._errors import Timeout as Timeout
from erlang._errors import UndefinedFunction as UndefinedFunction
from erlang._function import Function as Function
from erlang._function import function as function
from erlang._function import registered as registered

__all__ = [
    "Atom",
    "BlockingCallWarning",
    "Call",
    "Disconnected",
    "Error",
    "Fun",
    "Function",
    "Interrupted",
    "NoNode",
    "Overloaded",
    "Pid",
    "Port",
    "Ref",
    "Timeout",
    "UndefinedFunction",
    "async_call",
    "call",
    "function",
    "map",
    "register_adapter",
    "registered",
    "send",
    "starmap",
    "stats",
]

__version__: str

def call(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """Call the Erlang function registered as ``name`` and wait for its result.

    The thread waits without the GIL. Any Python thread may call: the main thread, threads of
    ``threading`` or of executors, threads made by C. If an event loop runs in the thread, the call
    blocks that loop and warns once for each place (`BlockingCallWarning`).

    Args:
        name: The name of a registered function. It never becomes an atom.
        *args: Converted to Erlang terms; the function gets them as one list.
        timeout: Seconds until the wait ends and the Erlang process is stopped; ``None`` for no
            limit.
        wait: If the limit of the function's ``concurrency`` is reached, ``True`` waits in line,
            ``False`` fails at once. ``None`` does what the function was registered with. The time
            in line counts for ``timeout``.
        binaries: What binaries of the result become. ``"text"``: ``str``, and a binary that is not
            UTF-8 is an error. ``"bytes"``: ``bytes``, always. ``None`` does what the function was
            registered with, or else the node's configuration; ``"text"`` if neither says anything.
            ``{bytes, Binary}`` and ``{text, Binary}`` in the result mean what they say.

    Returns:
        The function's result, converted.

    Raises:
        erlang.Error: The function failed; ``kind`` and ``reason`` say how.
        erlang.UndefinedFunction: No function is registered as ``name``.
        erlang.Timeout: No reply within ``timeout``.
        erlang.Disconnected: The Erlang process that worked on the call died.
        erlang.Overloaded: The limit of calls in flight (``max_in_flight``) is reached. Or the limit
            of the function (its ``concurrency``) is reached, and the call does not wait.
        TypeError: An argument or the result can't be converted. The text names the place, e.g.
            ``args[0]['k'][3]``.
        ValueError: A value can't be sent, such as text with lone surrogates.
        RecursionError: An argument is nested too deeply.

    Example:
        >>> erlang.call("double_it", 21)
        42
    """

def async_call(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Call[Any]:
    """Start the Erlang function registered as ``name``; await the result.

    The call is under way when this function returns. The returned `Call` is a future of the running
    loop. It works with ``await``, ``gather``, ``wait``, ``wait_for``, ``timeout``, ``shield`` and
    ``as_completed``. ``create_task`` and ``TaskGroup.create_task`` take it like a coroutine.

    Args:
        name: The name of a registered function. It never becomes an atom.
        *args: Converted to Erlang terms; the function gets them as one list.
        timeout: Seconds until the call is stopped on the Erlang side; ``None`` for no limit.
        wait: Whether the call waits in line when the function is busy, as for `call`.
        binaries: What binaries of the result become, as for `call`.

    Raises:
        RuntimeError: No event loop is running in this thread.
        TypeError: An argument can't be converted; the text names the place. A result that can't be
            converted raises when the call is awaited.
        erlang.Error: When the call is awaited. The same subclasses as for `call`.

    Cancelling the call, or the task that awaits it, stops the Erlang process that works on it.

    Example:
        >>> await asyncio.gather(*(erlang.async_call("double_it", n) for n in range(3)))
        [0, 2, 4]
    """

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

    The result is the list of all results, in the order of the items. All items travel in one
    message, and all results come back at once: this takes less time than a ``gather``
    of as many calls. Each item's function runs in an Erlang process of its own. The returned `Call`
    is one future, as `async_call` returns it.

    Args:
        name: The name of a registered function. It is looked up once, for all items.
        items: Any iterable; it is read to its end before this function returns. Each item is
            converted to an Erlang term, the only argument of its call.
        timeout: Seconds until all of it is stopped on the Erlang side; ``None`` for no limit.
        wait: Whether an item waits in line when the function is busy, as for `call`. If not, one
            busy function fails the map: pass ``True``, or a ``concurrency`` below the function's.
        binaries: What binaries of the results become, as for `call`.
        concurrency: How many items run at once, at least 1. ``None``: all of them. The limit
            ``max_in_flight`` bounds this number; the map itself counts as one call in flight.

    Raises:
        RuntimeError: No event loop is running in this thread.
        TypeError: An item can't be converted; the text names the place, e.g. ``args[17][0]`` for
            the item with index 17. A result that can't be converted raises in the await.
        ValueError: ``concurrency`` is less than 1.
        erlang.Error: In the await: the first failure of an item, with a note that names the item.
            The same subclasses as for `call`. The other items are stopped.

    Cancelling the call, or the task that awaits it, stops the Erlang processes of all items. A
    process that traps exits gets a second for it.

    Example:
        >>> await erlang.map("double_it", range(3))
        [0, 2, 4]
    """

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
    """Call an Erlang function once for each tuple of arguments; await the results.

    As `map`, but each item is an iterable of all arguments of its call. The place ``args[17][1]``
    in an error text is the second argument of the item with index 17.

    Example:
        >>> await erlang.starmap("add", [(1, 2), (3, 4)])
        [3, 7]
    """

def send(to: Pid | str | tuple[Atom, Atom], term: object, /) -> None:
    """Send a message to an Erlang process.

    Args:
        to: A `Pid`, the name of a process registered on this node, or ``(name, node)`` as atoms.
        term: The message, converted.

    Raises:
        ValueError: No process of this node has that name.
        TypeError: ``to`` is none of these, or ``term`` can't be converted.

    As in Erlang, a message to an ended process is lost without an error. So is a message that does
    not reach another node.
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
    """Counters and a latency histogram of this node's bridge, as a new dict.

    ``calls``: calls since the node's start. ``in_flight``: calls that have not ended. ``refused``:
    calls over the limit ``max_in_flight``. ``stale``: replies that came after the end of their
    call. ``total_us``: the time of all ended calls, in microseconds. ``channels``: channels of
    threads and loops, including the ``pooled_channels``, which wait for their next owner.
    ``contexts``: threads that run Python for Erlang. ``loops``: event loops that have called
    Erlang. Bucket ``n`` of ``histogram`` counts the calls that took less than ``2**n``
    microseconds, and no less than half of that.
    """

@final
class Atom(str):
    """An Erlang atom. It equals its text, and becomes the same atom when it is sent to Erlang.

    Erlang never frees atoms: make atoms from a fixed set of texts only. Python can make at most
    100,000 new atoms in a node.

    Raises:
        ValueError: The text has more than 255 characters or can't be encoded, or the limit of new
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
    """An Erlang process. Only Erlang makes a `Pid`; Python can compare it and send it back."""

@final
class Ref(_Term):
    """An Erlang reference."""

@final
class Port(_Term):
    """An Erlang port."""

@final
class Fun(_Term):
    """An Erlang fun. Python can keep it and send it, but not call it."""

def __dir__() -> list[str]:
    """The public names, and the functions that are registered now."""

def __getattr__(name: str) -> Function:
    """Registered Erlang functions as attributes: ``erlang.double_it(21)``.

    Raises:
        AttributeError: No function is registered as ``name`` (an import raises ``ImportError``).
    """
