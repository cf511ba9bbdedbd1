# SPDX-License-Identifier: Apache-2.0
"""Calls of an event loop: one connection for each loop, for all of its calls.

As inside a node, the connection is an attribute of its loop, and ends when the loop is closed.
"""

import asyncio
import functools
from typing import Any

from erlang._call import Call
from erlang._errors import make_error
from erlang._outside import frames
from erlang._outside.arguments import Arguments
from erlang._outside.connection import CHUNK, Connection, Lost, result

_ATTRIBUTE = "_erlang_calls"


def start(path: str, call: Arguments) -> Call[Any]:
    """Starts a call on the running loop."""
    loop = asyncio.get_running_loop()
    future: Call[Any] = Call(loop=loop)  # type: ignore[abstract]
    try:
        calls = _calls_of(loop, path)
    except Lost as lost:
        future.set_exception(make_error("disconnected", call.name, None, str(lost), []))
        return future
    calls.start(future, call)
    if call.timeout is not None:
        future._expire_after(call.timeout)
    return future


def _calls_of(loop: asyncio.AbstractEventLoop, path: str) -> "_LoopCalls":
    calls: _LoopCalls | None = getattr(loop, _ATTRIBUTE, None)
    if calls is None or not calls.is_usable(path):
        calls = _LoopCalls(loop, path)
        setattr(loop, _ATTRIBUTE, calls)
    return calls


class _LoopCalls:
    """The channel of the loop's calls, see `erlang.Call`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: str) -> None:
        self._loop = loop
        self._connection = Connection(path)
        self._socket = self._connection.socket
        self._socket.setblocking(False)
        self._pending: dict[int, tuple[Call[Any], str]] = {}
        # What is to be sent. One write takes all that one turn of the loop gathers.
        # With the number of the call that makes it unnecessary when it is cancelled.
        self._gathered: list[tuple[int | None, bytes]] = []
        self._is_gathering = False
        self._is_writing = False
        self._ended = False
        loop.add_reader(self._socket, self._take)
        if "close" not in vars(loop):  # otherwise other code has replaced it
            loop.close = functools.partial(_close_loop, loop)  # type: ignore[method-assign]

    def is_usable(self, path: str) -> bool:
        """Not after the end of the connection, nor in a fork, whose copy is closed."""
        return not self._ended and self._connection.path == path and self._socket.fileno() >= 0

    def start(self, future: Call[Any], call: Arguments) -> None:
        number, prelude, request = self._connection.request(call)
        future._channel = self
        future._id = number
        self._pending[number] = future, call.name
        if prelude:
            self._gathered.append((None, prelude))
        self._send(number, request)

    def forget(self, number: int) -> None:
        """The call was cancelled: stops its process."""
        if self._pending.pop(number, None) is not None and not self._ended:
            self._send(None, frames.cancel((number,)))

    def expire(self, number: int, seconds: float) -> None:
        """The time limit of the call is over: stops its process."""
        entry = self._pending.pop(number, None)
        if entry is None:
            return
        future, name = entry
        if not self._ended:
            self._send(None, frames.cancel((number,)))
        if not future.done():
            text = f"no reply within {seconds:g} s"
            future.set_exception(make_error("timeout", name, None, text, []))

    def end(self, why: str) -> None:
        """Fails the calls under way. The next call makes another connection."""
        if self._ended:
            return
        self._ended = True
        if self._socket.fileno() >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._connection.close()
        self._gathered.clear()
        pending, self._pending = self._pending, {}
        for future, name in pending.values():
            if not future.done() and not self._loop.is_closed():
                future.set_exception(make_error("disconnected", name, None, why, []))

    def _send(self, number: int | None, request: bytes) -> None:
        """Sends at once, or with the next turn of the loop if this turn has sent already."""
        self._gathered.append((number, request))
        if not self._is_gathering:
            self._is_gathering = True
            self._loop.call_soon(self._begin_turn)
            self._write()

    def _begin_turn(self) -> None:
        self._is_gathering = False
        if self._gathered:
            self._write()

    def _write(self) -> None:
        if self._is_writing or self._ended:
            return
        pending = self._pending
        data = b"".join(
            request for number, request in self._gathered if number is None or number in pending
        )
        self._gathered.clear()
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # the reader is told, too, and knows why
        if sent < len(data):
            self._gathered.append((None, data[sent:]))
            self._is_writing = True
            self._loop.add_writer(self._socket, self._write_on)

    def _write_on(self) -> None:
        self._loop.remove_writer(self._socket)
        self._is_writing = False
        self._write()

    def _take(self) -> None:
        """The socket is readable."""
        try:
            arrived = self._connection.frames_in(self._socket.recv(CHUNK))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.end(f"the connection to the node broke: {error.strerror or error}")
            return
        except Lost as lost:
            self.end(str(lost))
            return
        for frame in arrived:
            self._settle(frame)

    def _settle(self, frame: bytes) -> None:
        future, name = self._pending.pop(frames.call_id(frame, 1)[0], (None, ""))
        # Calls that were cancelled, or whose time limit is over, are not pending.
        if future is None or future.done():
            return
        try:
            value = result(frame, name)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(value)


def _close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """In the place of the loop's own method: ends its calls at once."""
    type(loop).close(loop)
    vars(loop).pop("close", None)
    calls: _LoopCalls | None = getattr(loop, _ATTRIBUTE, None)
    if calls is not None:
        calls.end("the loop is closed")
