# SPDX-License-Identifier: Apache-2.0
"""Knows the event loop that each thread runs, whoever has made the loop."""

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType

from erlang._code_kinds import kind_of

# For each thread that runs a loop, by its ident: the loop, and the frame below the code of the
# request that runs the loop. None: no request does.
running_loops: dict[int, tuple[asyncio.AbstractEventLoop, FrameType | None]] = {}

_set_running_loop_itself = asyncio.events._set_running_loop


def watch_loops() -> None:
    """From here on, `running_loops` is up to date."""
    asyncio.events._set_running_loop = asyncio._set_running_loop = _set_running_loop


def request_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """The frame of this package that runs the innermost request."""
    return next((frame for frame in frames if kind_of(frame) == "request"), None)


def _set_running_loop(loop: asyncio.AbstractEventLoop | None, /) -> None:
    _set_running_loop_itself(loop)
    if loop is None:
        running_loops.pop(threading.get_ident(), None)
    else:
        running_loops[threading.get_ident()] = (loop, request_frame(_outward(sys._getframe())))


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
