# SPDX-License-Identifier: Apache-2.0
"""Knows the event loop that each thread runs, whoever has made the loop."""

import asyncio
import sys
import threading
from types import FrameType

# For each thread that runs a loop, by its ident: the loop, and the frame that runs the loop.
running_loops: dict[int, tuple[asyncio.AbstractEventLoop, FrameType]] = {}

_set_running_loop_itself = asyncio.events._set_running_loop
# From CPython 3.13 on, `run_forever' leaves its begin to this function.
_SETUP = getattr(getattr(asyncio.BaseEventLoop, "_run_forever_setup", None), "__code__", None)


def watch_loops() -> None:
    """From here on, `running_loops` is up to date."""
    asyncio.events._set_running_loop = asyncio._set_running_loop = _set_running_loop


def _set_running_loop(loop: asyncio.AbstractEventLoop | None, /) -> None:
    _set_running_loop_itself(loop)
    runner = sys._getframe().f_back
    if runner is not None and runner.f_code is _SETUP:
        runner = runner.f_back
    if loop is None or runner is None:  # None: the thread itself runs the loop, for no request
        running_loops.pop(threading.get_ident(), None)
    else:
        running_loops[threading.get_ident()] = (loop, runner)
