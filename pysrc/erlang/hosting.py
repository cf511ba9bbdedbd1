# SPDX-License-Identifier: Apache-2.0
"""Main coroutines for hosted loops: a web service that lives in an Erlang supervision tree.

Give one of them to ``py_loop`` as its ``main``::

    py_loop:child_spec(#{name => web, loop => uvloop, stop_timeout => 10000,
                         main => {'erlang.hosting', uvicorn, [<<"service:app">>],
                                  #{host => <<"127.0.0.1">>, port => 8000}}})

They end in three ways, and each means the same to a supervisor as in any OTP process: a service
that can't start raises; one that is cancelled stops accepting connections, finishes the requests
in progress and then lets ``asyncio.CancelledError`` go on; one that stops by itself returns.
The frameworks are imported when they are asked for; this module needs neither of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from erlang import _logging

if TYPE_CHECKING:
    from aiohttp import web
    from uvicorn import Config, Server

    _ApplicationFactory: TypeAlias = (
        web.Application | Callable[[], web.Application | Awaitable[web.Application]]
    )

__all__ = ["aiohttp", "uvicorn"]


# For uvicorn's loggers: nothing of their own, also where a server before has given them handlers.
_PROPAGATING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        name: {"handlers": [], "level": "NOTSET", "propagate": True}
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access")
    },
}


async def uvicorn(
    app: Any, /, *, sockets: Sequence[socket.socket] | None = None, **config: Any
) -> None:
    """Serve an ASGI application by uvicorn on the running loop.

    Args:
        app: The application, or where to import it from: ``"module:attribute"``.
        sockets: Bound sockets to listen on, instead of ``host`` and ``port``; closed at the end.
        **config: Options of ``uvicorn.Config``. ``timeout_graceful_shutdown`` (seconds) bounds how
            long a stop waits for requests in progress; choose it below the ``stop_timeout`` of the
            loop. ``loop`` has no meaning here, the running one is used. Where the application logs
            by Erlang's logger (``python_logging``), the default of ``log_config`` leaves that to
            it: uvicorn's own would write lines to standard error there.

    Raises:
        OSError: The address can't be bound.
        RuntimeError: The application can't be imported, or its start-up failed; the cause is
            chained.
        ValueError: ``reload`` or several ``workers``: they need processes of their own.

    Cancelling stops gracefully: no new connections, requests in progress are finished, WebSockets
    closed with code 1012, the application's lifespan is ended. Cancelling again cuts that short.
    No signal handlers are installed.

    Example::

        asyncio.run(erlang.hosting.uvicorn("service:app", port=8000))
    """
    from uvicorn import Config, Server

    if config.get("reload") or (config.get("workers") or 1) > 1:
        raise ValueError(
            "uvicorn's reload and workers need processes of their own; host more loops"
        )
    if _logging.is_installed():
        config.setdefault("log_config", _PROPAGATING)
    for listening in sockets or []:
        _answer_without_delay(listening)
    server = Server(_loaded(Config(app, **config)))
    # A hosted service is stopped by its supervisor; the process's signals belong to others.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(_serve(server, sockets), name="erlang.hosting.uvicorn")
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        if server.started:
            server.should_exit = True
        else:
            serving.cancel()
        await serving
        raise


def _answer_without_delay(listening: socket.socket) -> None:
    """Sets TCP_NODELAY, which accepted connections inherit.

    asyncio does so itself only for sockets that name TCP as their protocol; most, as those of
    ``socket.create_server``, say 0. Answers of several packets would wait for the client then.
    """
    if (
        listening.family in (socket.AF_INET, socket.AF_INET6)
        and listening.type == socket.SOCK_STREAM
    ):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _loaded(config: Config) -> Config:
    try:
        config.load()
    except SystemExit as ended:  # uvicorn's way to say it, meant for a command line
        raise RuntimeError(f"can't load {config.app!r}: {ended.__context__}") from ended.__context__
    return config


async def _serve(server: Server, sockets: Sequence[socket.socket] | None) -> None:
    """Run the server in a task of its own, which no SystemExit may leave: it would end the loop."""
    watch = _LifespanWatch(server.config.loaded_app)
    server.config.loaded_app = watch
    try:
        await server.serve(sockets=list(sockets) if sockets is not None else None)
    except asyncio.CancelledError:
        # Nobody will answer on these any more; their clients shall not wait for it.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        raise
    except SystemExit as ended:
        if isinstance(ended.__context__, OSError):
            raise ended.__context__ from None
        reason = watch.failure or ended.__context__
        raise RuntimeError(f"{server.config.app!r} failed to start: {reason}") from reason


class _LifespanWatch:
    """Keeps the exception with which an application's start-up failed; uvicorn only logs it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.failure: BaseException | None = None

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        answer: Awaitable[None] = self.app(scope, receive, send)
        return answer

    async def _lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except BaseException as failure:
            self.failure = failure
            raise


async def aiohttp(
    app_factory: str | _ApplicationFactory,
    /,
    *,
    host: str | None = "127.0.0.1",
    port: int | None = None,
    sockets: Sequence[socket.socket] | None = None,
    shutdown_timeout: float = 60.0,
    ssl_context: Any = None,
    backlog: int = 128,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
    **config: Any,
) -> None:
    """Serve an aiohttp application on the running loop.

    Args:
        app_factory: A function or coroutine function that makes the ``web.Application``, such an
            application, or where to import one of them from: ``"module:attribute"``.
        host: Address to listen on; ``None`` for all interfaces.
        port: 8080 by default, 8443 with ``ssl_context``.
        sockets: Bound sockets to listen on, instead of ``host`` and ``port``; closed at the end.
        shutdown_timeout: Seconds that a stop waits for requests in progress before it cancels
            them. WebSockets count as such: close them in ``app.on_shutdown``.
        **config: Options of ``web.AppRunner``, such as ``access_log`` or ``keepalive_timeout``.

    Raises:
        OSError: The address can't be bound.
        TypeError: An option that aiohttp does not know; it would drop all of them.
        Exception: Whatever the factory or the application's ``on_startup`` raised.

    Cancelling stops gracefully: no new connections, ``on_shutdown``, requests in progress are
    finished, ``on_cleanup``. Cancelling again cuts that short. No signal handlers are installed.

    Example::

        asyncio.run(erlang.hosting.aiohttp("chat:make_app", port=8001))
    """
    from aiohttp import web

    _refuse_unknown(config, web.AppRunner, web.Server, web.RequestHandler)
    app: Any = _imported(app_factory) if isinstance(app_factory, str) else app_factory
    if not isinstance(app, web.Application):
        app = app()
    if inspect.isawaitable(app):
        app = await app
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=shutdown_timeout, **config)
    try:
        await runner.setup()
        sites: list[web.BaseSite]
        if sockets is not None:
            sites = [
                web.SockSite(runner, sock, ssl_context=ssl_context, backlog=backlog)
                for sock in sockets
            ]
        else:
            sites = [
                web.TCPSite(
                    runner,
                    host,
                    port,
                    ssl_context=ssl_context,
                    backlog=backlog,
                    reuse_address=reuse_address,
                    reuse_port=reuse_port,
                )
            ]
        for site in sites:
            await site.start()
        await asyncio.get_running_loop().create_future()  # nobody sets it: until cancelled
    finally:
        try:
            await runner.cleanup()
        except asyncio.CancelledError:
            _abort(runner)
            raise


def _refuse_unknown(config: dict[str, Any], *takers: Callable[..., object]) -> None:
    """Raises for an option that none of those takes by keyword alone, as they do with theirs."""
    known = {
        name
        for taker in takers
        for name, parameter in inspect.signature(taker).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for name in config.keys() - known:
        raise TypeError(f"aiohttp() got an unexpected keyword argument {name!r}")


def _abort(runner: web.AppRunner) -> None:
    """Nobody will answer on these any more; their clients shall not wait for it."""
    if runner.server is not None:
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()


def _imported(reference: str) -> object:
    module, _, path = reference.partition(":")
    if not module or not path:
        raise ValueError(f"{reference!r} is not of the form 'module:attribute'")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found
