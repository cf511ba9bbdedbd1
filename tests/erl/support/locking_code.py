# SPDX-License-Identifier: Apache-2.0
"""Notes the interruptions that came inside code that takes locks."""

import dis
import functools
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

import erlang
from erlang._code_kinds import kind_of
from erlang._code_places import _WAITS

_noted: list[str] = []


def endlessly(function: Callable[[], object]) -> Callable[[], None]:
    """Call the function repeatedly, and note the exception that ends this."""

    @functools.wraps(function)
    def run() -> None:
        try:
            while True:
                function()
        except BaseException as ending:
            _note(ending)
            raise

    return run


def take() -> list[str]:
    """Return the notes since the last call."""
    taken = _noted[:]
    _noted.clear()
    return taken


def stacks() -> str:
    """Return the stacks of all threads."""
    frames = sys._current_frames().items()
    return "\n".join(f"thread {n}\n{''.join(traceback.format_stack(frame))}" for n, frame in frames)


def _note(ending: BaseException) -> None:
    """Note an interruption, with its stack, if it hit the standard library with locks held."""
    if not isinstance(ending, erlang.Interrupted):
        return
    frames = list(_frames(ending.__traceback__))
    innermost = next(frame for frame in reversed(frames) if kind_of(frame) != "neutral")
    if kind_of(innermost) == "locking" and innermost.f_code not in _WAITS:
        _noted.append("".join(traceback.format_exception(ending)))


def _frames(place: TracebackType | None) -> Iterator[FrameType]:
    """The frames of a traceback, without a function that had released its locks and returned.

    From CPython 3.12 on, a traceback includes such a function.
    """
    while place is not None:
        frame = place.tb_frame
        returns = dis.opname[frame.f_code.co_code[place.tb_lasti]].startswith("RETURN_")
        if place.tb_next is not None or not returns:
            yield frame
        place = place.tb_next
