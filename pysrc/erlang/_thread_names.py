# SPDX-License-Identifier: Apache-2.0
"""Names for the threads of contexts and loops: ``py-context-1``, ``py-loop-web``.

Python has not started these threads. So `threading.current_thread` makes an object for such a
thread at its first call there. The name is given at that moment, not before. Otherwise Python would
count these threads among those that a program starts, and the program's own names (``Thread-1``)
would differ from python3.
"""

import threading
from itertools import count

_numbers = count(1)


class _Own(threading.local):
    kind: str | None = None
    name: str = ""


_own = _Own()


class _NativeThread(threading._DummyThread):
    def __init__(self) -> None:
        super().__init__()
        if _own.kind is not None:
            # Not by `name`, which from CPython 3.14 on also sets the name of the system's thread.
            self._name = f"{_own.kind}-{_own.name or next(_numbers)}"


# The name is a part of what `repr` shows of other threads.
_NativeThread.__name__ = _NativeThread.__qualname__ = threading._DummyThread.__name__
threading._DummyThread = _NativeThread  # type: ignore[misc]


def begin_thread() -> None:
    """The calling thread belongs to a context."""
    _own.kind = "py-context"


def run_loop_in_thread(name: str) -> None:
    """The calling thread, a context's, belongs to a loop from now on. A loop may have no name."""
    _own.kind = "py-loop"
    _own.name = name


def end_thread() -> None:
    """The calling thread is about to end. Before 3.13 nothing else tells Python so.

    The name would stay, and a later thread with the same identifier would get it.
    """
    threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]
