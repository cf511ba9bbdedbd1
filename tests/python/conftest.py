# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests inside the node: both kinds of loops, tags, and a check for leaks."""

import asyncio
import gc
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

import erlang

pytest_plugins = ["erlang.testing"]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

LOOPS: Mapping[str, LoopFactory] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

ERLPY = Path(__file__).resolve().parents[2] / "tools/erlpy"

_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "channel: runs in a second node too, whose channels are pipes"
    )


def pytest_sessionstart() -> None:
    # The functions come from Erlang: tools/node_command.py compiles and registers them.
    if not hasattr(erlang, "await_published"):
        raise pytest.UsageError("bridge_probes isn't registered: run these by ./dev test python")
    # From its first loop on, uvloop keeps descriptors for the whole process.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))


def pytest_collection_finish() -> None:
    # Each check for leaks collects garbage. The imported objects stay anyway, so they need no
    # collection.
    gc.collect()
    gc.freeze()


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """Run every coroutine test on both loops."""
    return LOOPS


@pytest.fixture(params=list(LOOPS))
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    """For tests that start and end loops themselves."""
    return LOOPS[request.param]


@pytest.fixture(autouse=True)
def nothing_leaks(no_erlang_leaks: None) -> None:
    """Fail a test that leaves something behind."""


@pytest.fixture
def tag() -> str:
    """A name under which an Erlang function can publish its process; never used twice."""
    return f"tag-{next(_numbers)}"


class Node:
    """Run `erlpy` as its users do: another node, in another process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-I", "-S", str(ERLPY), *map(str, arguments)]

    def run(
        self, *arguments: object, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def config(self, settings: str) -> Path:
        """A configuration file for the application. `entries` is the inside of an Erlang list."""
        file = self.folder / "node.config"
        file.write_text(
            f"[{{erlang_python, [{settings}]}}, {{kernel, [{{logger, [{{handler, default, "
            "logger_std_h, #{config => #{type => standard_error}}}]}]}]."
        )
        return file


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)
