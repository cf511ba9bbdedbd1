# SPDX-License-Identifier: Apache-2.0
"""A connection to the node: the socket, the node's hello, and a fork's closing of its copy."""

import contextlib
import os
import select
import socket
import weakref
from time import monotonic
from typing import Any

from erlang import _structs
from erlang._errors import NoNode, make_error
from erlang._outside import environment, external, frames, leaves, printing
from erlang._outside.arguments import Arguments
from erlang._outside.decoding import decoded

# The time that a node has to accept a connection and to say hello, in seconds.
HELLO_LIMIT = 30.0
# The number of bytes that one read takes.
CHUNK = 1 << 16

_open: "weakref.WeakSet[Connection]" = weakref.WeakSet()


_NO_VALUE = object()


class Lost(Exception):
    """The connection has ended, or could not be made; the text says why."""


class Expired(Exception):
    """The deadline of a wait is over."""


class Connection:
    """Used by one thread or loop at a time."""

    def __init__(self, path: str) -> None:
        """Raises `Lost` or `erlang.NoNode`."""
        environment.check_owner(path)
        self.path = path
        self._reader = frames.Reader()
        self.max_size = 0
        # What has arrived but is not taken yet.
        self._arrived: list[bytes] = []
        self._known_atoms: set[str] = set()
        self._next_call = 0
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(path)
        except BaseException:
            self.socket.close()
            raise
        # Readable between two calls: at its end.
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)
        _open.add(self)

    def request(self, call: Arguments) -> tuple[int, bytes, bytes]:
        """The number of a call, what to send even if the call is not made, and the call itself.

        Raises what the conversion raises.
        """
        args = frames.encoded_arguments(call)
        number = self._next_call
        request = frames.call(number, call, args, self.max_size)
        self._next_call += 1
        new = args.atoms - self._known_atoms
        self._known_atoms |= new
        return number, frames.atoms(new) if new else b"", request

    def send(self, request: bytes, deadline: float | None) -> None:
        """Raises `Lost` or `Expired`."""
        self._limit(deadline)
        try:
            self.socket.sendall(request)
        except TimeoutError:
            raise Expired from None
        except OSError as error:
            raise Lost(f"the connection to the node broke: {error.strerror or error}") from None

    def receive(self, deadline: float | None) -> bytes:
        """Waits for the next frame. Raises `Lost` or `Expired`."""
        while not self._arrived:
            self._limit(deadline)
            try:
                chunk = self.socket.recv(CHUNK)
            except TimeoutError:
                raise Expired from None
            except OSError as error:
                raise Lost(f"the connection to the node broke: {error.strerror or error}") from None
            self._arrived = self.frames_in(chunk)[::-1]
        return self._arrived.pop()

    def frames_in(self, chunk: bytes) -> list[bytes]:
        """The frames that are complete with this chunk. An empty one is the end: raises `Lost`."""
        if not chunk:
            raise Lost("the node has closed the connection: it ends, or its application does")
        return self._reader.feed(chunk)

    def is_alive(self) -> bool:
        """Whether the node has not closed the connection, between two calls."""
        return not self._arrived and not self._poll.poll(0)

    def close(self) -> None:
        self.socket.close()

    def _connect(self, path: str) -> None:
        try:
            self.socket.settimeout(HELLO_LIMIT)
            self.socket.connect(path)
            hello = self.receive(monotonic() + HELLO_LIMIT)
        except PermissionError as error:
            raise NoNode(f"this process may not use the node's socket: {error}") from None
        except (Expired, TimeoutError):
            raise Lost("the node that this process belongs to does not answer") from None
        except OSError as error:
            why = error.strerror or error
            raise Lost(f"the node that this process belongs to can't be reached: {why}") from None
        if hello[0] != frames.HELLO:
            raise NoNode(f"what listens at {path} is no Erlang node")
        told = decoded(hello, frames.TERM_OF_HELLO, "hello")
        protocol, version, node, self.max_size, settings = told
        if protocol != frames.PROTOCOL:
            raise NoNode(
                f"the node runs erlang_python {version}, which this process can't talk to; "
                "use the same version of erlang-python"
            )
        printing.local_nodes.add(str(node))
        leaves.spell_none("nil" if settings["none_is_nil"] else "none")
        _structs.install(*settings["structs"])

    def _limit(self, deadline: float | None) -> None:
        if deadline is None:
            self.socket.settimeout(None)
            return
        left = deadline - monotonic()
        if left <= 0:
            raise Expired
        self.socket.settimeout(left)


def result(frame: bytes, name: str) -> Any:
    """The value in the frame that ends a call of ``name``. Raises the failure in it.

    Raises what the conversion of the value raises, too.
    """
    binaries = frames.BINARIES[frame[frames.BINARIES_OF_CALL]]
    if frame[0] == frames.VALUE:
        return decoded(frame, frames.TERM_OF_CALL, binaries=binaries)
    # The four elements of a tuple: kind, reason, stack and text.
    begin = frames.TERM_OF_CALL + 2
    parts: list[Any] = []
    for place in range(4):
        end = external.end_of_term(frame, begin)
        is_reason = place == 1
        try:
            parts.append(decoded(frame[begin:end], binaries=binaries if is_reason else "text"))
        except (TypeError, RecursionError):
            parts.append(_NO_VALUE)
        begin = end
    kind, reason, stack, text = parts
    if kind == "undecodable":
        raise ValueError(f"{name}: {text}")
    # A reason without a Python value must not hide the failure.
    raise make_error(kind, name, text if reason is _NO_VALUE else reason, text, stack)


def _after_fork_in_child() -> None:
    for connection in list(_open):
        # Only the copy of the descriptor: the parent's loop may watch the same socket.
        with contextlib.suppress(OSError):
            connection.close()
    _open.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
