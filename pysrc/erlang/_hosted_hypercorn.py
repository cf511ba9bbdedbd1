# SPDX-License-Identifier: Apache-2.0
"""hypercorn in a hosted loop: its start, and its end in time.

From CPython 3.12 on, hypercorn waits without a limit for its connections before it ends the
application's lifespan. So this module ends requests and the lifespan when their time is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from erlang import _logging
from erlang._asgi import Application
from erlang._imported import imported
from erlang._stop_time import CANCELLED_REQUESTS, Stop, begin_stop, for_requests, warn_of_long


class HypercornServer:
    """A server for `erlang._serving.host`."""

    def __init__(self, app: Any, config: dict[str, Any]) -> None:
        _refuse_unknown(config)
        if _logging.is_installed():
            config.setdefault("errorlog", logging.getLogger("hypercorn.error"))
        self._wanted: float | None = config.get("graceful_timeout")
        warn_of_long("graceful_timeout", self._wanted)
        self._config: _Config = _Config.from_mapping(config)  # type: ignore[assignment]
        self._requests: set[asyncio.Task[Any]] = set()
        self._application = Application(
            imported(app) if isinstance(app, str) else app, self._requests.copy, self.abort
        )
        self._stopping = asyncio.Event()
        self._limits: list[asyncio.TimerHandle] = []

    async def serve(self) -> None:
        if begin_stop() is not None:
            self._config.graceful_timeout = for_requests(begin_stop(), self._wanted) or 0.0
        try:
            await serve(self._app, self._config, shutdown_trigger=self._stopping.wait, mode="asgi")
        except asyncio.InvalidStateError as failure:
            # hypercorn was cancelled while it waited for its connections to end.
            if isinstance(failure.__context__, asyncio.CancelledError):
                raise failure.__context__ from None
            raise
        finally:
            for limit in self._limits:
                limit.cancel()

    def stop(self, stop: Stop | None) -> bool:
        if stop is not None:
            # Before CPython 3.12, hypercorn cancels all connections and their requests after this
            # time. Requests that abort() has cancelled must not be cancelled once more before.
            self._config.graceful_timeout = stop.left(CANCELLED_REQUESTS)
            loop = asyncio.get_running_loop()
            self._limits = [
                loop.call_later(for_requests(stop, self._wanted) or 0.0, self.abort),
                loop.call_later(stop.left(CANCELLED_REQUESTS), self._application.end),
            ]
        self._stopping.set()
        return self._config.started

    def abort(self) -> None:
        """Cancels the requests. Connections close with their requests, or at the loop's end."""
        for request in self._requests:
            request.cancel()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        answer: Awaitable[None] = self._application(scope, receive, send)
        if scope["type"] == "lifespan":
            await answer
            return
        request = asyncio.current_task()
        assert request is not None
        self._requests.add(request)
        try:
            await answer
        finally:
            self._requests.discard(request)


class _Config(Config):
    # Whether the application's start-up is over.
    started = False

    def create_sockets(self) -> Sockets:
        self.started = True
        return super().create_sockets()


def _refuse_unknown(config: dict[str, Any]) -> None:
    for name in config:
        if not hasattr(Config, name):
            raise TypeError(f"hypercorn() got an unexpected keyword argument {name!r}")
    if config.get("use_reloader") or config.get("workers", 1) > 1:
        raise ValueError(
            "hypercorn's use_reloader and workers need processes of their own; host more loops"
        )
