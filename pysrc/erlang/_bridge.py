# SPDX-License-Identifier: Apache-2.0
"""The way to Erlang from where this Python runs: the native module of a node, or pure Python."""

try:
    from _erlang import ask, async_call, call, call_for_caller, map, send, starmap, stats
except ModuleNotFoundError:
    from erlang._outside.calls import (  # type: ignore[assignment]
        ask,
        async_call,
        call,
        call_for_caller,
        map,
        send,
        starmap,
        stats,
    )

    IN_NODE = False
else:
    IN_NODE = True
    # Before the package has its `__getattr__`, which asks Erlang for the modules to import here.
    from erlang import _native

    _native.connect()

__all__ = [
    "IN_NODE",
    "ask",
    "async_call",
    "call",
    "call_for_caller",
    "map",
    "send",
    "starmap",
    "stats",
]
