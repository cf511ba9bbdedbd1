# SPDX-License-Identifier: Apache-2.0
"""The node that this process calls: the one of its environment, or a stand-in of a test."""

from typing import Any, Protocol

from erlang._call import Call
from erlang._errors import NoNode
from erlang._outside import environment, loop_calls, thread_calls
from erlang._outside.arguments import Arguments


class Node(Protocol):
    """The part of a node that a process outside of it uses."""

    def call(self, call: Arguments, /) -> Any:
        """Calls and waits for the result."""

    def start(self, call: Arguments, /) -> Call[Any]:
        """Starts the call on the running loop."""


class SocketNode:
    """A node that listens at a Unix socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def call(self, call: Arguments, /) -> Any:
        return thread_calls.call(self._path, call)

    def start(self, call: Arguments, /) -> Call[Any]:
        return loop_calls.start(self._path, call)


# The stand-ins of tests. The last one is in use.
fakes: list[Node] = []


def current() -> Node:
    """The node to call. Raises `erlang.NoNode`."""
    if fakes:
        return fakes[-1]
    path = environment.socket_path()
    if path is None:
        raise NoNode(
            "there is no Erlang node here: start the program by erlpy, or as a child process of a "
            "node with python_processes; unit tests can use erlang.testing.fake()"
        )
    return SocketNode(path)
