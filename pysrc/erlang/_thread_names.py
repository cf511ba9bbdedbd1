# SPDX-License-Identifier: Apache-2.0
"""Names for the threads of contexts and loops, for log records. Python has not started them.

A thread gets its name at the first use. Otherwise Python would count these threads among those
that a program starts, and the program's own names (``Thread-1``) would differ from python3.
"""

import threading
from itertools import count

_numbers = count(1)


class _Own(threading.local):
    kind: str | None = None


_own = _Own()


def begin_thread() -> None:
    """The calling thread belongs to a context."""
    _own.kind = "py-context"


def run_loop_in_thread() -> None:
    """The calling thread, a context's, belongs to a loop from now on."""
    _own.kind = "py-loop"


def thread_name() -> str:
    """The name of the calling thread."""
    thread = threading.current_thread()
    if _own.kind is not None and thread.name.startswith("Dummy-"):
        thread.name = f"{_own.kind}-{next(_numbers)}"
    return thread.name


def end_thread() -> None:
    """The calling thread is about to end. Before 3.13 nothing else tells Python so.

    The name would stay, and a later thread with the same identifier would get it.
    """
    threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]
