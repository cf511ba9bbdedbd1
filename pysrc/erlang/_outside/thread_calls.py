# SPDX-License-Identifier: Apache-2.0
"""Blocking calls: each call has a connection of its own meanwhile, which is kept for the next one.

A thread that gives up, by its time limit or an exception, closes the connection. So the node stops
the Erlang process that works on the call.
"""

import atexit
from time import monotonic
from typing import Any

from erlang._errors import make_error
from erlang._outside import frames
from erlang._outside.arguments import Arguments
from erlang._outside.connection import Connection, Expired, Lost, result

# The number of connections that are kept without a call.
_MOST_IDLE = 16

# A list: its `append` and `pop` need no lock, also in a signal handler and after a fork.
_idle: list[Connection] = []


def call(path: str, call: Arguments) -> Any:
    """Calls and waits. Raises as `erlang.call` does."""
    deadline = None if call.timeout is None else monotonic() + call.timeout
    try:
        connection = _take(path)
        frame = _exchange(connection, call, deadline)
    except Lost as lost:
        raise make_error("disconnected", call.name, None, str(lost), []) from None
    except Expired:
        text = f"no reply within {call.timeout:g} s"
        raise make_error("timeout", call.name, None, text, []) from None
    return result(frame, call.name)


def idle() -> int:
    """The number of connections that wait for a call."""
    return len(_idle)


def _exchange(connection: Connection, call: Arguments, deadline: float | None) -> bytes:
    """The frame that ends the call. Keeps or closes the connection."""
    try:
        number, prelude, request = connection.request(call)
    except BaseException:
        _keep(connection)  # nothing was sent
        raise
    try:
        connection.send(prelude + request, deadline)
        frame = connection.receive(deadline)
        while frames.call_id(frame, 1)[0] != number:  # of a call that has ended already
            frame = connection.receive(deadline)
    except BaseException:
        connection.close()
        raise
    _keep(connection)
    return frame


def _take(path: str) -> Connection:
    while _idle:
        try:
            connection = _idle.pop()
        except IndexError:  # another thread has taken it
            break
        if connection.path == path and connection.is_alive():
            return connection
        connection.close()
    return Connection(path)


def _keep(connection: Connection) -> None:
    if len(_idle) < _MOST_IDLE:
        _idle.append(connection)
    else:
        connection.close()


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


# Python warns of a socket that is open at its end.
atexit.register(_close_idle)
