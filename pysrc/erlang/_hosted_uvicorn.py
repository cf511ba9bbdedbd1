# SPDX-License-Identifier: Apache-2.0
"""uvicorn in a hosted loop: its start, its failure to start, and its end in time."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from uvicorn import Config
from uvicorn import Server as _Uvicorn

from erlang import _logging
from erlang._asgi import Application
from erlang._stop_time import Stop, begin_stop, for_requests, warn_of_long

# Settings that let uvicorn's loggers propagate: no handlers or levels of their own, even if an
# earlier server has given them some.
_PROPAGATING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        name: {"handlers": [], "level": "NOTSET", "propagate": True}
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access")
    },
}


class UvicornServer:
    """A server for `erlang._serving.host`."""

    def __init__(
        self, app: Any, sockets: Sequence[socket.socket] | None, config: dict[str, Any]
    ) -> None:
        if _logging.is_installed():
            config.setdefault("log_config", _PROPAGATING)
        for listening in sockets or []:
            _answer_without_delay(listening)
        self._sockets = sockets
        loaded = _loaded(Config(app, **config))
        self._wanted = loaded.timeout_graceful_shutdown
        warn_of_long("timeout_graceful_shutdown", self._wanted)
        # For a server that ends by itself.
        loaded.timeout_graceful_shutdown = for_requests(begin_stop(), self._wanted)  # type: ignore[assignment]
        self._server = _Uvicorn(loaded)
        self._application = Application(
            loaded.loaded_app, self._server.server_state.tasks.copy, self.abort
        )
        loaded.loaded_app = self._application
        # The supervisor stops a hosted service. The signals of the process belong to others.
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]

    async def serve(self) -> None:
        sockets = self._sockets
        try:
            await self._server.serve(sockets=list(sockets) if sockets is not None else None)
        except SystemExit as ended:  # uvicorn's report of a failure, which would end the loop
            if isinstance(ended.__context__, OSError):
                raise ended.__context__ from None
            reason = self._application.failure or ended.__context__
            app = self._server.config.app
            raise RuntimeError(f"{app!r} failed to start: {reason}") from reason

    def stop(self, stop: Stop | None) -> bool:
        config = self._server.config
        config.timeout_graceful_shutdown = for_requests(stop, self._wanted)  # type: ignore[assignment]
        self._server.should_exit = True
        return self._server.started

    def abort(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


def _answer_without_delay(listening: socket.socket) -> None:
    """Sets TCP_NODELAY, which accepted connections inherit.

    asyncio itself sets the option only for sockets whose protocol is TCP. Most sockets, such as
    those of ``socket.create_server``, have protocol 0. Without the option, an answer of several
    packets waits for the client.
    """
    if (
        listening.family in (socket.AF_INET, socket.AF_INET6)
        and listening.type == socket.SOCK_STREAM
    ):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _loaded(config: Config) -> Config:
    try:
        config.load()
    except SystemExit as ended:  # uvicorn's report of a failure, meant for a command line
        raise RuntimeError(f"can't load {config.app!r}: {ended.__context__}") from ended.__context__
    return config
