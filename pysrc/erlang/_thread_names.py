# SPDX-License-Identifier: Apache-2.0
"""Names for the threads of contexts and loops, which Python has not started: for its log records.

They are given when they are first asked for: Python would count these threads among those that a
program starts, whose own names (``Thread-1``) would then not be as in python3.
"""

import threading
from itertools import count

_numbers = count(1)


class _Own(threading.local):
    kind: str | None = None


_own = _Own()


def begin_thread() -> None:
    """The calling thread is a context's."""
    _own.kind = "py-context"


def run_loop_in_thread() -> None:
    """The calling thread, a context's, is a loop's from now on."""
    _own.kind = "py-loop"


def thread_name() -> str:
    """Of the calling thread."""
    thread = threading.current_thread()
    if _own.kind is not None and thread.name.startswith("Dummy-"):
        thread.name = f"{_own.kind}-{next(_numbers)}"
    return thread.name


def end_thread() -> None:
    """The calling thread is about to end: nobody else tells Python, before 3.13.

    The name would stay, for whichever thread gets the same identifier.
    """
    threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]
