# SPDX-License-Identifier: Apache-2.0
"""Runs a server until the task that hosts it is cancelled, then ends the server in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Protocol

from erlang._stop_time import CANCELLED_SERVER, SERVER, Stop, begin_stop, left

_logger = logging.getLogger("erlang.hosting")


class Server(Protocol):
    """A hosted server."""

    async def serve(self) -> None:
        """Runs the server, from its start-up to the end of the application."""

    def stop(self, stop: Stop | None) -> bool:
        """Makes ``serve`` end gracefully. False before the start: then cancel the task."""

    def abort(self) -> None:
        """Closes the server's connections at once: no more answers will come on them."""


async def host(server: Server, name: str) -> None:
    """Runs the server in a task of its own. Nobody else cancels it, and no SystemExit leaves it."""
    serving = asyncio.create_task(server.serve(), name=name)
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        if serving.cancelled():
            raise
        stop = begin_stop()
        if not server.stop(stop):
            serving.cancel()
        try:
            await _end(serving, stop)
        finally:
            server.abort()
        raise


async def _end(serving: asyncio.Task[None], stop: Stop | None) -> None:
    """Waits for the task while there is time, and raises its exception."""
    try:
        await asyncio.wait([serving], timeout=left(stop, SERVER))
        if not serving.done():
            serving.cancel()
            await asyncio.wait([serving], timeout=left(stop, CANCELLED_SERVER))
    except asyncio.CancelledError:  # the end was cancelled too
        serving.cancel()
        await serving
        raise
    if serving.done():
        with contextlib.suppress(asyncio.CancelledError):
            serving.result()
    else:
        _logger.error(
            "%s did not end within %g s of the stop; it is left to the end of its loop",
            serving.get_name(),
            0.0 if stop is None else stop.seconds(CANCELLED_SERVER),
        )
