# SPDX-License-Identifier: Apache-2.0
"""Connections that a loop accepts while their server is being closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any


def close_late_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Makes asyncio's own loops close such connections, as uvloop does.

    asyncio accepts a connection in two turns of its loop. If the server is closed between them, the
    transport is only half made. Its destructor then closes it and fails (CPython gh-109564).
    """
    for name in ("_make_socket_transport", "_make_ssl_transport"):
        make = getattr(loop, name, None)
        if make is not None:
            setattr(loop, name, partial(_unless_closed, make))


def _unless_closed(
    make: Callable[..., asyncio.Transport],
    sock: socket.socket,
    *args: Any,
    server: asyncio.Server | None = None,
    **kwargs: Any,
) -> asyncio.Transport:
    if server is not None and not server.sockets:
        sock.close()
        raise ConnectionAbortedError("the server was closed when it accepted this connection")
    return make(sock, *args, server=server, **kwargs)
