# SPDX-License-Identifier: Apache-2.0
"""Where the code of ``py:eval`` and ``py:exec`` lives: ``__main__``, or a context's own globals.

An Erlang process that holds a context for itself has its own; they last until it gives it back.
So do its context variables.
"""

import builtins
import sys
import threading
from typing import Any

import __main__
import _erlang


class _Thread(threading.local):
    own: dict[str, Any] | None = None


_thread = _Thread()


def enter_private() -> None:
    """This thread's context is held by one process: empty globals for it."""
    _thread.own = {
        "__name__": "__main__",
        "__builtins__": builtins,
        "erlang": sys.modules["erlang"],
    }
    _erlang.keep_context(True)


def leave_private() -> None:
    """This thread's context is everybody's again."""
    _thread.own = None
    _erlang.keep_context(False)


def namespace() -> dict[str, Any]:
    """The globals for code that runs in this thread now."""
    return __main__.__dict__ if _thread.own is None else _thread.own


def lookup(name: str) -> object:
    """What ``__main__`` has under this name, as this thread sees it."""
    try:
        return namespace()[name]
    except KeyError:
        raise AttributeError(f"module '__main__' has no attribute '{name}'") from None
