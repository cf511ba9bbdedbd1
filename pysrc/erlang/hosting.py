# SPDX-License-Identifier: Apache-2.0
"""Main coroutines for hosted loops: web services in an Erlang supervision tree.

Give one of them to ``py_loop`` as its ``main``::

    py_loop:child_spec(#{name => web, loop => uvloop, stop_timeout => 10000,
                         main => {'erlang.hosting', uvicorn, [<<"service:app">>],
                                  #{host => <<"127.0.0.1">>, port => 8000}}})

A service ends in one of three ways, each with its usual meaning for a supervisor. A service that
can't start raises. A service that is cancelled accepts no more connections, finishes the requests
in progress and then raises ``asyncio.CancelledError``. A service that stops by itself returns.

A stop of the loop may take ``stop_timeout``, or the time given to ``py_loop:stop/2``. Requests in
progress have three fifths of that time. Then the remaining requests are cancelled and their
connections closed. The rest of the time is for their clean-up and for the end of the application. A
server's own option for requests takes precedence, up to three quarters of the time. A longer option
is cut short with a warning. An application that does not end within nine tenths of the time is
cancelled, so that the loop ends in time. In any other loop, such as that of ``asyncio.run``, the
servers' own defaults hold.

The frameworks are imported when they are used; the module itself needs none of them.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from erlang._serving import host as _host

if TYPE_CHECKING:
    from erlang._hosted_aiohttp import ApplicationFactory

__all__ = ["aiohttp", "hypercorn", "uvicorn"]


async def uvicorn(
    app: Any, /, *, sockets: Sequence[socket.socket] | None = None, **config: Any
) -> None:
    """Serve an ASGI application by uvicorn on the running loop.

    Args:
        app: The application, or its place: ``"module:attribute"``.
        sockets: Bound sockets to listen on, instead of ``host`` and ``port``; closed at the end.
        **config: Options of ``uvicorn.Config``. ``timeout_graceful_shutdown`` is the number of
            seconds that a stop waits for requests in progress; see the module for its default and
            its limit. ``loop`` has no effect: the running loop is used. If logs go to Erlang's
            logger (``python_logging``), the default of ``log_config`` sends uvicorn's logs there
            too. uvicorn's own default would write them to standard error.

    Raises:
        OSError: The address can't be bound.
        RuntimeError: The application can't be imported, or its start-up failed; the cause is
            chained.
        ValueError: ``reload`` or several ``workers`` are set; both need processes of their own.

    Cancelling stops gracefully: new connections are refused, requests in progress are finished,
    WebSockets are closed with code 1012, and the application's lifespan ends. A second cancellation
    cuts this short. No signal handlers are installed.

    Example::

        asyncio.run(erlang.hosting.uvicorn("service:app", port=8000))
    """
    from erlang._hosted_uvicorn import UvicornServer

    if config.get("reload") or (config.get("workers") or 1) > 1:
        raise ValueError(
            "uvicorn's reload and workers need processes of their own; host more loops"
        )
    await _host(UvicornServer(app, sockets, config), "erlang.hosting.uvicorn")


async def hypercorn(app: Any, /, **config: Any) -> None:
    """Serve an ASGI application by hypercorn on the running loop.

    Args:
        app: The application, or its place: ``"module:attribute"``.
        **config: Options of ``hypercorn.config.Config``, such as ``bind``. ``graceful_timeout`` is
            the number of seconds that a stop waits for requests in progress; see the module for its
            default and its limit. If logs go to Erlang's logger (``python_logging``), the default
            of ``errorlog`` sends hypercorn's logs there too.

    Raises:
        OSError: The address can't be bound.
        TypeError: hypercorn does not know an option; hypercorn itself would ignore it.
        ValueError: ``use_reloader`` or several ``workers`` are set; both need processes of their
            own.
        Exception: The application's start-up failed; hypercorn raises its error.

    Cancelling stops gracefully: new connections are refused, requests in progress are finished, and
    the application's lifespan ends. hypercorn does not tell WebSockets of a stop: they count as
    requests. A second cancellation cuts this short. No signal handlers are installed.

    Example::

        asyncio.run(erlang.hosting.hypercorn("service:app", bind=["127.0.0.1:8000"]))
    """
    from erlang._hosted_hypercorn import HypercornServer

    await _host(HypercornServer(app, config), "erlang.hosting.hypercorn")


async def aiohttp(
    app_factory: str | ApplicationFactory,
    /,
    *,
    host: str | None = "127.0.0.1",
    port: int | None = None,
    sockets: Sequence[socket.socket] | None = None,
    shutdown_timeout: float | None = None,
    ssl_context: Any = None,
    backlog: int = 128,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
    **config: Any,
) -> None:
    """Serve an aiohttp application on the running loop.

    Args:
        app_factory: A ``web.Application``, a function or coroutine function that makes one, or the
            place of one of them: ``"module:attribute"``.
        host: Address to listen on; ``None`` for all interfaces.
        port: 8080 by default, 8443 with ``ssl_context``.
        sockets: Bound sockets to listen on, instead of ``host`` and ``port``; closed at the end.
        shutdown_timeout: Seconds that a stop waits for requests in progress. Then the stop ends the
            bodies of the requests, and waits as long again before it cancels them. See the module
            for the default and the limit. WebSockets count as requests: close them in
            ``app.on_shutdown``.
        **config: Options of ``web.AppRunner``, such as ``access_log`` or ``keepalive_timeout``.

    Raises:
        OSError: The address can't be bound.
        TypeError: aiohttp does not know an option; aiohttp itself would drop all options.
        Exception: The factory or the application's ``on_startup`` raised it.

    Cancelling stops gracefully: new connections are refused, ``on_shutdown`` runs, requests in
    progress are finished, ``on_cleanup`` runs. A second cancellation cuts this short. No signal
    handlers are installed.

    Example::

        asyncio.run(erlang.hosting.aiohttp("chat:make_app", port=8001))
    """
    from erlang._hosted_aiohttp import Address, AiohttpServer

    every = {"ssl_context": ssl_context, "backlog": backlog}
    of_port = {"reuse_address": reuse_address, "reuse_port": reuse_port}
    address = Address(host, port, sockets, every, of_port)
    server = AiohttpServer(app_factory, address, shutdown_timeout, config)
    await _host(server, "erlang.hosting.aiohttp")
