# SPDX-License-Identifier: Apache-2.0
"""What the tests inside the node share: both kinds of loops, tags, and a look for leaks."""

import asyncio
import itertools
from collections.abc import Callable, Mapping

import pytest
import uvloop

import erlang

pytest_plugins = ["erlang.testing"]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

LOOPS: Mapping[str, LoopFactory] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "channel: runs in a second node too, whose channels are pipes"
    )


def pytest_sessionstart() -> None:
    # The functions come from Erlang: tools/parts.py compiles and registers them.
    if not hasattr(erlang, "await_published"):
        raise pytest.UsageError("bridge_probes isn't registered: run these by ./dev test python")
    # uvloop keeps descriptors for the whole process from its first loop on.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """Every coroutine test runs on both loops."""
    return LOOPS


@pytest.fixture(params=list(LOOPS))
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    """For tests that start and end loops themselves."""
    return LOOPS[request.param]


@pytest.fixture(autouse=True)
def nothing_leaks(no_erlang_leaks: None) -> None:
    """Fails whichever test leaves something behind."""


@pytest.fixture
def tag() -> str:
    """A name under which an Erlang function can publish its process; never used twice."""
    return f"tag-{next(_numbers)}"
