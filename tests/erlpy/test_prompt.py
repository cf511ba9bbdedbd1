# SPDX-License-Identifier: Apache-2.0
"""The interactive prompt: on a terminal, on a pipe, after a program."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest
from conftest import ERLPY, PYTHON, SECONDS, Place

# CPython 3.13 and later have a new prompt, written in Python. Its frames appear in tracebacks.
OLD_PROMPT = {"TERM": "dumb", "PYTHON_BASIC_REPL": "1"}

# The index of the flags with ECHO in the result of tcgetattr().
LOCAL_FLAGS = 3


class Terminal:
    """A program on a separate terminal."""

    def __init__(self, place: Place, command: list[str], **variables: str) -> None:
        self.fd, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=place.folder,
            env=place.environment(**{**OLD_PROMPT, "HOME": str(place.folder), **variables}),
            preexec_fn=own_terminal,
        )
        os.close(slave)
        place.started.append(self.process)  # type: ignore[arg-type]
        self.seen = ""

    def expect(self, text: str) -> str:
        """Return everything up to and including `text`."""
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert select.select([self.fd], [], [], deadline - time.monotonic())[0], self.seen
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            assert data, self.seen
            self.seen += data.decode().replace("\r\n", "\n")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def expect_prompt(self) -> str:
        deadline = time.monotonic() + SECONDS
        while not self.seen.endswith((">>> ", "... ", "in: ")):
            assert select.select([self.fd], [], [], deadline - time.monotonic())[0], self.seen
            self.seen += os.read(self.fd, 65536).decode().replace("\r\n", "\n")
        seen, self.seen = self.seen, ""
        return seen

    def interrupt(self) -> None:
        """Send Ctrl-C to readline; send it again if readline did not wait yet, as python3 needs
        too.

        The terminal itself must not show the Ctrl-C: readline turns the echo off after its prompt.
        """
        deadline = time.monotonic() + SECONDS
        while termios.tcgetattr(self.fd)[LOCAL_FLAGS] & termios.ECHO:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.send("\x03")
        while not select.select([self.fd], [], [], 1.0)[0]:
            self.send("\x03")

    def end(self) -> tuple[str, int]:
        """The remaining output, and the status."""
        try:
            while data := os.read(self.fd, 65536):
                self.seen += data.decode().replace("\r\n", "\n")
        except OSError:
            pass  # no process uses the terminal any more
        os.close(self.fd)
        return self.seen, self.process.wait(timeout=SECONDS)


def own_terminal() -> None:
    os.setsid()
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def typed(place: Place, starter: list[str], lines: list[str], *arguments: str, **env: str) -> str:
    """Type each line at a prompt. Return the transcript and the status."""
    terminal = Terminal(place, [*starter, *arguments], **env)
    transcript = ""
    for line in lines:
        transcript += re.sub("\x1b\\[[?0-9;]*[a-z]", "", terminal.expect_prompt())
        terminal.send(line)
    rest, status = terminal.end()
    return f"{transcript}{rest}\n{status}"


SESSIONS = {
    "values": ["1 + 1\n", "_ * 2\n", "None\n", "'ü'\n", "exit()\n"],
    "blocks": ["def f(x):\n", "    return x\n", "\n", "f(3)\n", "if 1: 2\n", "\n", "quit(3)\n"],
    "blank": ["\n", "# a comment\n", "  \n", "1\n", "\x04"],
    "errors": ["1/0\n", "1 +\n", "def f(: pass\n", "import sys; sys.last_value\n", "exit('bye')\n"],
    "strings": ["'''a\n", "b'''\n", "[1,\n", "2]\n", "x = \\\n", "3\n", "x\n", "\x04"],
    "input": ["x = input('in: ')\n", "typed\n", "x\n", "import sys; sys.ps1 = 'new>>> '\n", "\x04"],
    "interrupts": ["1 + \x03", "import time; time.sleep(600) # \n", "\x04"],
    "stack": ["import traceback; traceback.print_stack()\n", "__name__, __file__\n", "\x04"],
    "compiled": [
        *("return 1\n", "1 is 1\n", '"\\d"\n', "def f():\n", "    return 5 is 1\n", "\n"),
        *("f.__code__.co_filename\n", "def g(): return 1/0\n", "\n", "x = 1; g()\n", "\x04"),
    ],
    "future": ["from __future__ import annotations\n", "def f(x: y): 1\n", "\n", "f\n", "\x04"],
}


@pytest.mark.parametrize("name", [name for name in SESSIONS if name != "interrupts"])
def test_sessions_on_a_terminal(place: Place, name: str) -> None:
    expected = typed(place, PYTHON, SESSIONS[name])
    expected = re.sub("0x[0-9a-f]{6,}", "0x", expected)
    assert re.sub("0x[0-9a-f]{6,}", "0x", typed(place, ERLPY, SESSIONS[name])) == expected


@pytest.mark.parametrize("name", list(SESSIONS))
def test_sessions_on_a_pipe(place: Place, name: str) -> None:
    source = "".join(line for line in SESSIONS[name] if "\x03" not in line and "\x04" not in line)
    place.same("-i", "-q", stdin=source.replace("600", "0"))


@pytest.mark.parametrize(
    "source", ["if 1:\n  5", "if 1:\n  5\n", "'''a", "(1,\n", "1", "# c", "  "]
)
def test_input_that_ends_within_a_statement(place: Place, source: str) -> None:
    place.same("-i", "-q", stdin=source)


@pytest.mark.parametrize(
    "source",
    [
        "raise KeyboardInterrupt\n",
        "raise KeyboardInterrupt\n1 + 1\n",
        "raise KeyboardInterrupt\n1 +\n",
        "raise KeyboardInterrupt\nexit(3)\n",
        "class K(KeyboardInterrupt): pass\n\nraise K\n",
    ],
)
def test_how_a_prompt_ends_after_an_interrupt(place: Place, source: str) -> None:
    place.same("-i", "-q", stdin=source)
    place.write("interrupted.py", "raise KeyboardInterrupt")
    place.same("-i", "interrupted.py", stdin=source)


def test_how_a_prompt_ends_before_which_a_program_was_interrupted(place: Place) -> None:
    place.write("interrupted.py", "raise KeyboardInterrupt")
    for stdin in ("", "1 +\n", "1 + 1\n"):
        place.same("-i", "interrupted.py", stdin=stdin)
        place.same("-i", "-q", stdin=stdin, PYTHONSTARTUP="interrupted.py")


def test_a_future_of_a_program_at_the_prompt_after_it(place: Place) -> None:
    future = "from __future__ import annotations"
    place.write("future.py", future)
    source = "def f(x: not_there): 1\n\nf.__annotations__\n"
    place.same("-i", "-c", future, stdin=source)
    place.same("-i", "future.py", stdin=source)


def test_control_c_at_the_prompt(place: Place) -> None:
    shown = []
    for starter in (PYTHON, ERLPY):
        terminal = Terminal(place, starter)
        terminal.expect(">>> ")
        terminal.send("1 + ")
        terminal.expect("1 + ")
        terminal.interrupt()
        text = terminal.expect("KeyboardInterrupt\n>>> ")
        terminal.send("import time; print('rea' + 'dy'); time.sleep(600)\n")
        terminal.expect("ready\n")
        terminal.send("\x03")
        text += terminal.expect("KeyboardInterrupt\n>>> ")
        terminal.send("1 + 1\n")
        text += terminal.expect("2\n>>> ")
        terminal.send("\x04")
        # The exact call in the line where the signal came is chance.
        shown.append((re.sub(r"\n +[~^]+(?=\n)", "", text), terminal.end()))
    assert shown[1] == shown[0]


def test_control_c_on_a_terminal_ends_a_program(place: Place) -> None:
    for starter in (PYTHON, ERLPY):
        terminal = Terminal(
            place, [*starter, "-c", "import time; print('rea' + 'dy'); time.sleep(600)"]
        )
        terminal.expect("ready\n")
        terminal.send("\x03")
        rest, status = terminal.end()
        assert rest.endswith("KeyboardInterrupt\n")
        assert status == -signal.SIGINT


def test_what_is_said_where_the_new_prompt_can_not_run(place: Place) -> None:
    greetings = []
    for starter in (PYTHON, ERLPY):
        terminal = Terminal(place, starter, PYTHON_BASIC_REPL="")
        greetings.append(terminal.expect(">>> "))
        terminal.send("\x04")
        terminal.end()
    assert greetings[1] == greetings[0]


def test_a_startup_file_and_the_history(place: Place) -> None:
    startup = place.write("startup.py", "print('started'); y = 5\n")
    lines = ["y\n", "1/0\n", "\x04"]
    expected = typed(place, PYTHON, lines, PYTHONSTARTUP=startup)
    assert typed(place, ERLPY, lines, PYTHONSTARTUP=startup) == expected
    assert typed(place, ERLPY, lines, "-E", PYTHONSTARTUP=startup) == typed(
        place, PYTHON, lines, "-E", PYTHONSTARTUP=startup
    )
    missing = {"PYTHONSTARTUP": "no_such_file"}
    assert typed(place, ERLPY, ["\x04"], **missing) == typed(place, PYTHON, ["\x04"], **missing)
    history = place.folder / ".python_history"
    history.unlink()
    typed(place, ERLPY, ["remembered = 1\n", "\x04"])
    assert "remembered = 1" in history.read_text()


@pytest.mark.parametrize("source", ["1/0", "def f(:", "raise SystemExit(3)", "import sys; x = 7"])
def test_how_a_startup_file_ends(place: Place, source: str) -> None:
    startup = place.write("startup.py", source)
    place.same("-i", "-q", stdin="'sys' in dir()\n", PYTHONSTARTUP=startup)


@pytest.mark.parametrize("source", ["x = 1\nprint(x)", "1/0", "raise SystemExit(3)", "def f(:"])
def test_a_prompt_after_a_program(place: Place, source: str) -> None:
    place.write("program.py", source)
    for arguments in (["-i", "program.py"], ["-i", "-c", source], ["-i", "-m", "program"]):
        place.same(*arguments, stdin="sorted(dir())[0]\n__name__\nexit(4)\n")
    place.same("program.py", stdin="1 + 1\n", PYTHONINSPECT="1")


@pytest.mark.parametrize("change", ["del sys.ps1, sys.ps2", "sys.ps1 = Unprintable()"])
def test_a_prompt_without_a_text(place: Place, change: str) -> None:
    lines = ["class Unprintable:", "  def __str__(self): 1/0", "", "import sys", change, "(", "1)"]
    place.same("-i", "-q", stdin="\n".join([*lines, "sys.stdin = None", "2", ""]))


def test_erlang_is_there(place: Place) -> None:
    double = ("--erl", "py:register_function(double_it, fun([X]) -> X * 2 end)")
    ended = place.run(ERLPY, *double, "-i", "-q", stdin="erlang.double_it(21)\n")
    assert ended.output == "42\n"


def test_the_prompt_of_asyncio(place: Place) -> None:
    place.same("-m", "asyncio", stdin="import asyncio\nawait asyncio.sleep(0, 'slept')\n")
    lines = ["await asyncio.sleep(0, 'slept')\n", "1/0\n", "\x04"]
    assert "slept" in typed(place, ERLPY, lines, "-m", "asyncio")
