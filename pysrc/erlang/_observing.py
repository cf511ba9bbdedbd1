# SPDX-License-Identifier: Apache-2.0
"""Hooks of ``threading.settrace`` and ``threading.setprofile``, for threads that run requests."""

# Taken at the import, before a debugger replaces these functions by its own, which warn of other
# callers.
from sys import setprofile, settrace
from threading import current_thread
from types import FrameType
from typing import Any, Protocol


class Hook(Protocol):
    def __call__(self, frame: FrameType, event: str, argument: Any, /) -> Any: ...


def begin_trace(hook: Hook) -> None:
    """From now on the calling thread is traced."""
    current_thread()  # debuggers ignore threads that `threading` does not know
    settrace(hook)
    _first_event()


def begin_profile(hook: Hook) -> None:
    """From now on the calling thread is profiled."""
    setprofile(hook)
    _first_event()


def _first_event() -> None:
    """At its first event a hook may replace itself by another function, as coverage does."""
