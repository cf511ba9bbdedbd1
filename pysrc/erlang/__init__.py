# SPDX-License-Identifier: Apache-2.0
"""Erlang functions for Python code inside an Erlang node.

`call` blocks the calling thread, `async_call` suspends only the task:

    >>> import erlang
    >>> erlang.call("double_it", 21)
    42
    >>> await erlang.async_call("double_it", 21)
    42
"""

import asyncio
import functools
import os
import threading
from typing import Any

import _erlang
from _erlang import Atom, Fun, Pid, Port, Ref, async_call, call, send, stats
from erlang import (
    _context,
    _errors,
    _function,
    _interruption,
    _loop_host,
    _nesting,
    _observing,
    _running_loops,
    _thread_names,
)
from erlang._adapters import register_adapter
from erlang._call import Call
from erlang._errors import (
    BlockingCallWarning,
    Disconnected,
    Error,
    Interrupted,
    Overloaded,
    Timeout,
    UndefinedFunction,
)
from erlang._function import Function, function

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

# Tracebacks name a class by its module: the public one, not the private one that defines it.
for _class in (
    BlockingCallWarning,
    Call,
    Disconnected,
    Error,
    Function,
    Interrupted,
    Overloaded,
    Timeout,
    UndefinedFunction,
):
    _class.__module__ = __name__
del _class

_erlang.bind_package(
    {
        "make_error": _errors.make_error,
        "call_type": Call,
        "interrupted": Interrupted,
        "blocking_call_warning": BlockingCallWarning,
        "get_running_loop": asyncio._get_running_loop,
        "run_request": _context.run_request,
        "describe_exception": _context.describe_exception,
        "begin_thread": _thread_names.begin_thread,
        "end_thread": _thread_names.end_thread,
        "describe_stack": _context.describe_stack,
        "make_attempt": _interruption.Attempt,
        "do_nothing": _interruption.do_nothing,
        "start_coroutine": _loop_host.start_coroutine,
        "partial": functools.partial,
        "nesting": _nesting.current,
        "begin_trace": _observing.begin_trace,
        "begin_profile": _observing.begin_profile,
        "threading_names": vars(threading),
    }
)
_running_loops.watch_loops()
os.register_at_fork(after_in_child=_erlang.after_fork_in_child)


def __getattr__(name: str) -> Any:
    """Registered Erlang functions as attributes: ``erlang.double_it(21)``."""
    return _function.registered_function(name)
