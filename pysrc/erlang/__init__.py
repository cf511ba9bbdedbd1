# SPDX-License-Identifier: Apache-2.0
"""Erlang functions for Python code in an Erlang node, or beside one.

`call` blocks the calling thread, `async_call` suspends only the task:

    >>> import erlang
    >>> erlang.call("double_it", 21)
    42
    >>> await erlang.async_call("double_it", 21)
    42

The package can be imported in every Python. Without a node, what needs one raises `NoNode`.
"""

from erlang import _public
from erlang._adapters import register_adapter
from erlang._bridge import async_call, call, map, send, starmap, stats
from erlang._call import Call
from erlang._errors import (
    BlockingCallWarning,
    Disconnected,
    Error,
    Interrupted,
    NoNode,
    Overloaded,
    Timeout,
    UndefinedFunction,
)
from erlang._function import Function, function, registered
from erlang._types import Atom, Fun, Pid, Port, Ref
from erlang._version import __version__ as __version__

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

__getattr__ = _public.attribute
__dir__ = _public.names
_public.name_classes(globals())
