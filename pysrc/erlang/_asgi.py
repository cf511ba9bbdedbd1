# SPDX-License-Identifier: Apache-2.0
"""An ASGI application between its server and its end. The end comes in time in any case."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from erlang._stop_time import APPLICATION, CANCELLED_REQUESTS, Stop, begin_stop

_logger = logging.getLogger("erlang.hosting")

_SHUTDOWN = "lifespan.shutdown"


class Application:
    """Wraps an application.

    The lifespan ends after the clean-up of cancelled requests, which may use what the lifespan
    closes. When the time of the stop is over, neither is waited for. Without a limit of the time,
    the server alone decides how long it waits.
    """

    def __init__(
        self,
        app: Any,
        requests: Callable[[], Iterable[asyncio.Task[Any]]],
        abort_connections: Callable[[], None],
    ) -> None:
        self._app = app
        # Returns the requests that are still running.
        self._requests = requests
        self._abort_connections = abort_connections
        # The error of the application's start-up. Servers only log it.
        self.failure: BaseException | None = None
        # Set when the lifespan must end although the server has not said so.
        self._overdue = asyncio.Event()

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        answer: Awaitable[None] = self._app(scope, receive, send)
        return answer

    def end(self) -> None:
        """Ends the lifespan, if it is not ending yet."""
        self._overdue.set()

    async def _lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        limit: asyncio.TimerHandle | None = None
        task = asyncio.current_task()
        assert task is not None

        async def receive_in_time() -> Any:
            nonlocal limit
            message = await self._next(receive)
            if message["type"] == _SHUTDOWN:
                stop = begin_stop()
                if stop is not None:
                    await self._end_requests(stop)
                    loop = asyncio.get_running_loop()
                    seconds = stop.seconds(APPLICATION)
                    limit = loop.call_later(stop.left(APPLICATION), _give_up, task, seconds)
            return message

        try:
            await self._app(scope, receive_in_time, send)
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            if limit is not None:
                limit.cancel()

    async def _next(self, receive: Callable[[], Awaitable[Any]]) -> Any:
        receiving = asyncio.ensure_future(receive())
        overdue = asyncio.create_task(self._overdue.wait())
        try:
            await asyncio.wait([receiving, overdue], return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else {"type": _SHUTDOWN}
        finally:
            receiving.cancel()
            overdue.cancel()

    async def _end_requests(self, stop: Stop) -> None:
        if requests := list(self._requests()):
            await asyncio.wait(requests, timeout=stop.left(CANCELLED_REQUESTS))
        # For example those of clients that do not read.
        self._abort_connections()


def _give_up(lifespan: asyncio.Task[None], seconds: float) -> None:
    _logger.error(
        "the application's lifespan is cancelled: it did not end within %g s of the stop", seconds
    )
    lifespan.cancel()
