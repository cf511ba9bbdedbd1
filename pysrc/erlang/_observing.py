# SPDX-License-Identifier: Apache-2.0
"""Hooks of ``threading.settrace`` and ``threading.setprofile``, for threads that run requests."""

# Once, before a debugger puts functions of its own in their places, which warn of other callers.
from sys import setprofile, settrace
from types import FrameType
from typing import Any, Protocol

from erlang._thread_names import thread_name


class Hook(Protocol):
    def __call__(self, frame: FrameType, event: str, argument: Any, /) -> Any: ...


def begin_trace(hook: Hook) -> None:
    """The calling thread is traced from now on."""
    thread_name()  # debuggers pass over threads that `threading` does not know
    settrace(hook)
    _first_event()


def begin_profile(hook: Hook) -> None:
    """The calling thread is profiled from now on."""
    setprofile(hook)
    _first_event()


def _first_event() -> None:
    """A hook may put another function in its own place at its first event, as coverage does."""
