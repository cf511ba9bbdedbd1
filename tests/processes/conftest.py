# SPDX-License-Identifier: Apache-2.0
"""Tests inside of a node, with child processes that call its functions; and of whole nodes.

The node has the functions of `tests/python/support`.
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ERLPY = [sys.executable, "-I", "-S", str(ROOT / "tools/erlpy")]
SECONDS = 60.0

_numbers = itertools.count()


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def tag() -> str:
    """A name under which an Erlang function can publish its process; never used twice."""
    return f"beside-{next(_numbers)}"


class Programs:
    """Programs in a folder of their own. All of them, and their children, end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name

    def python(self, *arguments: str) -> subprocess.Popen[str]:
        """A child process of this node."""
        return self._start([sys.executable, *arguments])

    def node(self, *arguments: str) -> subprocess.Popen[str]:
        """Another node, with the function ``double_it``."""
        function = "py:register_function(double_it, fun([X]) -> X * 2 end)"
        return self._start([*ERLPY, "--erl", function, *arguments])

    def end(self) -> None:
        for process in self.started:
            if self.group(process):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def group(self, process: subprocess.Popen[str]) -> list[int]:
        """The processes of the program that live, and its children."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[2]) == process.pid and fields[0] != "Z":
                found.append(int(status.parent.name))
        return found

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            process_group=0,
        )
        self.started.append(process)
        return process


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    programs = Programs(tmp_path)
    yield programs
    programs.end()


def output(process: subprocess.Popen[str]) -> str:
    """What the program prints until its end, which must be a good one."""
    printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, printed
    return printed


def await_line(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for printed in process.stdout:
        if printed == line + "\n":
            return
    raise AssertionError(f"the program ended before it printed {line!r}")


def becomes_true(condition: object, seconds: float = 10.0) -> bool:
    """Polls: for changes of other processes, without an event."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
