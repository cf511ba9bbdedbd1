# SPDX-License-Identifier: Apache-2.0
"""The commands of examples/hello/README.md have the answers that the page shows."""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "examples/hello"
PAGE = (HELLO / "README.md").read_text()
GO_THERE, START, ASK = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)
SHELL_COMMANDS = re.findall(r"^\d+> (.+)\n(.+)$", PAGE, re.MULTILINE)
REPLY = PAGE.partition(f"{ASK}\n")[2].splitlines()[0]
# Includes a build, which takes seconds if nothing changed.
SECONDS = 300.0


class Shell:
    """An Erlang shell on pipes. Its answers come on standard output, logs on standard error."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._input, self.answers, self.logs = process.stdin, process.stdout, process.stderr
        self._seen = {self.answers: "", self.logs: ""}

    def send(self, command: str) -> None:
        self._input.write(f"{command}\n".encode())
        self._input.flush()

    def expect(self, output: IO[bytes], pattern: str) -> re.Match[str]:
        """Wait for this output. Both outputs are read, so that neither pipe fills up."""
        while (found := re.search(pattern, self._seen[output], re.MULTILINE)) is None:
            for ready in select.select([*self._seen], [], [])[0]:
                data = os.read(ready.fileno(), 65536)
                assert data, self._seen
                self._seen[ready] += data.decode(errors="replace")
        return found


def variables() -> dict[str, str]:
    """Those of a user's terminal. The service chooses a free port."""
    own = str(Path(sys.executable).parent)
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own]
    return {**os.environ, "PATH": os.pathsep.join(path), "ERL_FLAGS": "-hello port 0"}


@contextmanager
def shell(commands: Sequence[str], folder: Path) -> Iterator[Shell]:
    """Run the commands, of which the last starts the shell; end all of them."""
    process = subprocess.Popen(
        ["sh", "-ec", "\n".join(commands)],
        cwd=folder,
        env=variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )

    def kill() -> None:
        os.killpg(process.pid, signal.SIGKILL)

    late = Timer(SECONDS, kill)
    late.start()
    try:
        yield Shell(process)
        process.communicate(b"q().\n")
        assert process.returncode == 0
    finally:
        late.cancel()
        if process.poll() is None:
            kill()
            process.communicate()


@pytest.fixture(params=["of the checkout", "in a copy"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], Path]:
    """The commands that start the shell, and the folder for them."""
    if request.param == "of the checkout":
        return [GO_THERE, START], ROOT
    ignored = shutil.ignore_patterns("*.beam", "__pycache__")
    copy = shutil.copytree(HELLO, tmp_path / "copy", ignore=ignored)
    return [START.replace("../..", str(ROOT))], copy


def test_each_command_has_the_answer_of_the_page(place: tuple[list[str], Path]) -> None:
    host, path = re.fullmatch(r"curl (http://[\d.:]+)(/\S+)", ASK).groups()  # type: ignore[union-attr]
    assert host == f"http://127.0.0.1:{default_port()}"
    assert len(SHELL_COMMANDS) == 2
    with shell(*place) as node:
        for command, answer in SHELL_COMMANDS:
            node.send(command)
            node.expect(node.answers, rf"^(\d+> )*{re.escape(answer)}$")
        served = node.expect(node.logs, r"Uvicorn running on (http://[\d.:]+)")[1]
        reply = httpx.get(f"{served}{path}", trust_env=False, timeout=SECONDS)
    assert reply.text == REPLY


def default_port() -> str:
    return re.search(r"\{port, (\d+)\}", (HELLO / "hello.app").read_text())[1]  # type: ignore[index]
