# SPDX-License-Identifier: Apache-2.0
"""Starts programs under python3 and under erlpy. The tests themselves run outside of any node."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable]
ERLPY = [sys.executable, "-I", "-S", str(ROOT / "tools/erlpy")]
SECONDS = 60.0

# Programs inherit ignored signals, for example from nohup or a script's background. These tests
# need the default handling.
for inherited in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(inherited, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ended:
    output: str
    error: str
    status: int


def masked(text: str) -> str:
    """The output without addresses, which differ from run to run."""
    return re.sub("0x[0-9a-f]{6,}", "0x...", text)


# A node has other threads, so CPython's warning is right there; python3 alone may have none.
FORK_WARNING = re.compile(
    r".*: DeprecationWarning: This process \(pid=\d+\) is multi-threaded, use of fork\(\)"
    r" may lead to deadlocks in the child\.\n(?:  .*\n)?"
)


def await_sleep(pid: int) -> None:
    """Give a program a second to begin its wait, if it waits at all.

    python3, unlike erlpy, may miss a signal just before the wait, until the wait is over.
    """
    deadline = time.monotonic() + 1.0
    status = Path(f"/proc/{pid}/stat")
    while time.monotonic() < deadline and status.exists():
        if status.read_text().rpartition(")")[2].split()[0] == "S":
            break
        time.sleep(0.001)


@dataclass
class Place:
    """A folder for programs, and the programs that still run."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables}

    def start(self, starter: list[str], *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a program in a separate process group, as a shell does."""
        process = subprocess.Popen(
            [*starter, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            cwd=self.folder,
            env=self.environment(**variables),
            process_group=0,
        )
        self.started.append(process)
        return process

    def run(self, starter: list[str], *arguments: str, stdin: str = "", **variables: str) -> Ended:
        process = self.start(starter, *arguments, **variables)
        output, error = process.communicate(stdin, timeout=SECONDS)
        return Ended(masked(output), masked(error), process.returncode)

    def same(self, *arguments: str, stdin: str = "", **variables: str) -> Ended:
        """Compare the output and the end under both; fail if they differ."""
        expected = self.run(PYTHON, *arguments, stdin=stdin, **variables)
        assert self.run(ERLPY, *arguments, stdin=stdin, **variables) == expected
        return expected

    def same_but_for_fork(self, *arguments: str) -> Ended:
        """Compare both, except that erlpy warns of a fork, as CPython does in a program with
        threads.
        """
        expected = self.run(PYTHON, *arguments)
        ended = self.run(ERLPY, *arguments)
        error, warned = FORK_WARNING.subn("", ended.error)
        assert Ended(ended.output, error, ended.status) == expected
        assert bool(warned) == (sys.version_info >= (3, 12))
        return expected

    def interrupt(
        self, starter: list[str], *arguments: str, number: int = signal.SIGINT, times: int = 1
    ) -> Ended:
        """Signal the process each time after it has printed a line `ready`."""
        process = self.start(starter, *arguments)
        assert process.stdout is not None
        seen = ""
        for _ in range(times):
            while (line := process.stdout.readline()) != "ready\n":
                assert line, process.communicate(timeout=SECONDS)
                seen += line
            if starter is PYTHON:
                await_sleep(process.pid)
            process.send_signal(number)
        keyboard, process.stdin = process.stdin, None  # stays open
        output, error = process.communicate(timeout=SECONDS)
        assert keyboard is not None
        keyboard.close()
        return Ended(seen + output, error, process.returncode)

    def same_interrupted(
        self, *arguments: str, number: int = signal.SIGINT, times: int = 1
    ) -> Ended:
        """Compare everything but the exact place of the program when the signal came."""
        ends = []
        for starter in (PYTHON, ERLPY):
            ended = self.interrupt(starter, *arguments, number=number, times=times)
            ends.append(Ended(ended.output, "".join(ended.error.splitlines()[-1:]), ended.status))
            assert str(ERLPY[-1]) not in ended.error
        assert ends[1] == ends[0]
        return ends[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for process in place.started:
        if process.poll() is None:
            process.kill()
            process.communicate()
