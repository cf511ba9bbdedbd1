# SPDX-License-Identifier: Apache-2.0
"""The node that this process calls, or a stand-in for it in a test."""

from typing import Any, Protocol

from erlang._call import Call
from erlang._errors import NoNode
from erlang._outside.arguments import Arguments


class Node(Protocol):
    """The part of a node that a process outside of it uses."""

    def call(self, call: Arguments, /) -> Any:
        """Calls and waits for the result."""

    def start(self, call: Arguments, /) -> Call[Any]:
        """Starts the call on the running loop."""


# The stand-ins of tests. The last one is in use.
fakes: list[Node] = []


def current() -> Node:
    """The node to call. Raises `erlang.NoNode`."""
    if fakes:
        return fakes[-1]
    raise NoNode(
        "there is no Erlang node here: start the program by erlpy; "
        "unit tests can use erlang.testing.fake()"
    )
