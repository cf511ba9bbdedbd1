# SPDX-License-Identifier: Apache-2.0
"""aiohttp in a hosted loop: its start, and its end in time."""

from __future__ import annotations

import asyncio
import inspect
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from erlang._imported import imported
from erlang._stop_time import (
    APPLICATION,
    CANCELLED_REQUESTS,
    REQUESTS,
    Stop,
    begin_stop,
    for_requests,
    left,
    warn_of_long,
)

ApplicationFactory: TypeAlias = (
    web.Application | Callable[[], web.Application | Awaitable[web.Application]]
)

# The default of aiohttp.
_SHUTDOWN_TIMEOUT = 60.0
# aiohttp waits for requests twice: before it ends their bodies, and afterwards.
_WAITS = 2
# Seconds. For aiohttp, 0 means no limit.
_AT_ONCE = 0.001

_logger = logging.getLogger("erlang.hosting")


@dataclass(frozen=True)
class Address:
    """Where and how to listen."""

    host: str | None
    port: int | None
    sockets: Sequence[socket.socket] | None
    options: dict[str, Any]  # of every site
    port_options: dict[str, Any]

    def sites(self, runner: web.AppRunner) -> list[web.BaseSite]:
        if self.sockets is not None:
            return [web.SockSite(runner, sock, **self.options) for sock in self.sockets]
        return [web.TCPSite(runner, self.host, self.port, **self.options, **self.port_options)]


class AiohttpServer:
    """A server for `erlang._serving.host`."""

    def __init__(
        self,
        app_factory: str | ApplicationFactory,
        address: Address,
        shutdown_timeout: float | None,
        config: dict[str, Any],
    ) -> None:
        _refuse_unknown(config, web.AppRunner, web.Server, web.RequestHandler)
        self._app: Any = imported(app_factory) if isinstance(app_factory, str) else app_factory
        self._address = address
        warn_of_long("shutdown_timeout", shutdown_timeout, _WAITS)
        self._shutdown_timeout = shutdown_timeout
        self._config = config
        self._runner: _Runner | None = None
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started = False

    async def serve(self) -> None:
        app = self._app
        if not isinstance(app, web.Application):
            app = app()
        if inspect.isawaitable(app):
            app = await app
        self._runner = runner = _Runner(app, self._shutdown_timeout, self._config)
        try:
            await runner.setup()
            for site in self._address.sites(runner):
                await site.start()
            self._started = True
            await self._stopping
        finally:
            await runner.end()

    def stop(self, stop: Stop | None) -> bool:
        if self._started and not self._stopping.done():
            self._stopping.set_result(None)
        return self._started

    def abort(self) -> None:
        if self._runner is not None:
            self._runner.abort()


class _Runner(web.AppRunner):
    """Ends in time. If a step fails or does not end, the other steps run all the same."""

    __slots__ = ("_failures", "_transports", "_wanted")

    def __init__(
        self, app: web.Application, shutdown_timeout: float | None, config: dict[str, Any]
    ) -> None:
        super().__init__(app, handle_signals=False, **config)
        self._wanted = shutdown_timeout
        # The transports of the connections that were open when the stop began.
        self._transports: list[asyncio.Transport] = []
        self._failures: list[BaseException] = []

    async def end(self) -> None:
        """Closes everything, then raises the first error."""
        stop = begin_stop()
        limit = asyncio.timeout(left(stop, APPLICATION))
        try:
            async with limit:
                await self.cleanup()
        except TimeoutError:
            if not limit.expired():
                raise
            _cancelled("the application's clean-up", stop, APPLICATION)
        finally:
            self.abort()
        if self._failures:
            raise self._failures[0]

    async def shutdown(self) -> None:
        """`cleanup` calls this, for the application, when no more connections are accepted."""
        assert self.server is not None
        stop = begin_stop()
        self._transports = [
            connection.transport
            for connection in self.server.connections
            if connection.transport is not None
        ]
        # A task of its own, since the application may ignore its cancellation.
        closing = asyncio.create_task(super().shutdown())
        try:
            await asyncio.wait([closing], timeout=left(stop, REQUESTS))
            if not closing.done():
                _cancelled("the application's on_shutdown", stop, REQUESTS)
            elif not closing.cancelled() and (failure := closing.exception()) is not None:
                self._failures.append(failure)
        finally:
            closing.cancel()
        await self._end_requests(self.server, stop)

    async def _end_requests(self, server: web.Server, stop: Stop | None) -> None:
        if stop is None:
            await server.shutdown(_SHUTDOWN_TIMEOUT if self._wanted is None else self._wanted)
            return
        handlers = [
            task
            for connection in server.connections
            if (task := getattr(connection, "_task_handler", None)) is not None
        ]
        wanted = None if self._wanted is None else self._wanted * _WAITS
        seconds = for_requests(stop, wanted) or 0.0
        try:
            async with asyncio.timeout(seconds):
                await server.shutdown(max(seconds / _WAITS, _AT_ONCE))
        except TimeoutError:
            pass
        await server.shutdown(_AT_ONCE)
        if handlers:
            await asyncio.wait(handlers, timeout=stop.left(CANCELLED_REQUESTS))

    def abort(self) -> None:
        """Closes connections at once, also those with unsent data."""
        open_ones = [] if self.server is None else self.server.connections
        transports = [connection.transport for connection in open_ones]
        for transport in (*self._transports, *transports):
            if transport is not None:
                transport.abort()
        self._transports.clear()


def _cancelled(what: str, stop: Stop | None, share: float) -> None:
    seconds = 0.0 if stop is None else stop.seconds(share)
    _logger.error("%s is cancelled: it did not end within %g s of the stop", what, seconds)


def _refuse_unknown(config: dict[str, Any], *takers: Callable[..., object]) -> None:
    """Raises, as ``takers`` do, for an option that is no keyword-only parameter of theirs."""
    known = {
        name
        for taker in takers
        for name, parameter in inspect.signature(taker).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for name in config.keys() - known:
        raise TypeError(f"aiohttp() got an unexpected keyword argument {name!r}")
