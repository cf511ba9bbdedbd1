# SPDX-License-Identifier: Apache-2.0
"""Knows the event loop that each thread runs, whoever has made the loop."""

import asyncio
import sys
import threading
from types import FrameType

from erlang._code_kinds import CallStack, request_frame

# For each thread that runs a loop, by its ident: the loop, and the frame below the code of the
# request that runs the loop. None: no request does.
running_loops: dict[int, tuple[asyncio.AbstractEventLoop, FrameType | None]] = {}

_set_running_loop_itself = asyncio.events._set_running_loop


def watch_loops() -> None:
    """From here on, `running_loops` is up to date."""
    asyncio.events._set_running_loop = asyncio._set_running_loop = _set_running_loop


def _set_running_loop(loop: asyncio.AbstractEventLoop | None, /) -> None:
    _set_running_loop_itself(loop)
    if loop is None:
        running_loops.pop(threading.get_ident(), None)
    else:
        running_loops[threading.get_ident()] = (loop, request_frame(CallStack(sys._getframe())))
