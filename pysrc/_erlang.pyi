# SPDX-License-Identifier: Apache-2.0
"""The native half of the package `erlang`. The node has it built in; only the package uses it."""

from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Literal

from erlang import Atom as Atom
from erlang import Fun as Fun
from erlang import Pid as Pid
from erlang import Port as Port
from erlang import Ref as Ref
from erlang import async_call as async_call
from erlang import call as call
from erlang import map as map
from erlang import send as send
from erlang import starmap as starmap
from erlang import stats as stats

def call_for_caller(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """`call`, for a Python function that wraps it: warnings point to the caller."""

def ask(
    name: str,
    /,
    *args: object,
    timeout: float | None = None,
    wait: bool | None = None,
    binaries: Literal["text", "bytes"] | None = None,
) -> Any:
    """`call` without the warning, for short questions of the package itself."""

def loop_ready(owner: Pid, /) -> None:
    """Sends the channel of the running loop to the loop's Erlang process."""

def lines_ready(logger: Pid, /) -> None:
    """Tells the Erlang process ``logger`` that there are lines to take."""

def on_interrupt(cancel: Callable[[], object], /) -> bool:
    """Sets the function to call, in place of an exception, when the request is interrupted."""

def enter_request() -> None:
    """The calling function runs the request that began last."""

def this_thread() -> tuple[int, int | None]:
    """The calling thread: a number that no later thread gets, and its clock.

    `time.clock_gettime` reads the clock, which shows the thread's processor time. It fails when the
    thread has ended. It is None on platforms without such clocks.
    """

def interrupt_thread(thread: tuple[int, int | None], /) -> None:
    """Makes another thread raise `Interrupted` soon, wherever its code is."""

def frames_of_thread(ident: int, /) -> list[FrameType]:
    """Returns the frames of a thread, the innermost one first; none if the thread has ended.

    Before CPython 3.12 `sys._current_frames` and `f_back` are not safe for other threads: they may
    collect garbage, which may let the other thread run on.
    """

def raise_interruption() -> None:
    """Raises the pending interruption of the calling thread, if any."""

def take_interruption() -> None:
    """The code of the calling thread has learned of its pending interruption in another way."""

def settle_interruption() -> None:
    """Drops the pending interruption of the calling thread."""

def keep_context(keep: bool, /) -> None:
    """Whether the next requests on this thread share their context variables."""

def after_fork_in_child() -> None:
    """From here on, calls go to the node by its socket."""

def bind_package(parts: Mapping[str, object], /) -> None:
    """Takes the objects that the package supplies."""
