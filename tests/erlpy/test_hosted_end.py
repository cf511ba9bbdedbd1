# SPDX-License-Identifier: Apache-2.0
"""Services that a node hosts beside a program: their end when the program ends, in any way."""

import http.client
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ERLPY, SECONDS, Place

SERVICES = Path(__file__).with_name("ending_services.py").read_text()
SERVERS = ["uvicorn", "hypercorn", "aiohttp"]
WAYS = ["to_thread", "default_executor", "own_pool", "new_pool", "anyio", "getaddrinfo"]

CONFIG = """\
[{{erlang_python, [
    {{python_path, ["{folder}"]}},
    {{loops, [{loops}]}}
 ]}},
 {{kernel, [{{logger, [{{handler, default, logger_std_h,
    #{{config => #{{type => standard_error}}}}}}]}}]}}].
"""
LOOP = (
    "#{{main => {{ending_services, {server}, [{port}], #{{}}}},"
    " loop => {kind}, stop_timeout => 30000}}"
)

# The program's action after the end of its standard input, and the exit status of its process.
ENDINGS = {
    "return": ("", 0),
    "exit": ("sys.exit(3)", 3),
    "exception": ("1/0", 1),
    "interrupt": ("signal.raise_signal(signal.SIGINT); time.sleep(60)", -signal.SIGINT),
    "sigterm": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
}


class Control:
    """Requests of services wait here until the test lets them continue."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(SECONDS)
        self.port: int = self._listening.getsockname()[1]
        self._held: list[socket.socket] = []

    def hold(self, requests: int) -> None:
        """Wait until this number of requests wait here."""
        for _ in range(requests):
            connection, _ = self._listening.accept()
            connection.settimeout(SECONDS)
            assert connection.recv(5) == b"held\n"
            self._held.append(connection)

    def release(self) -> None:
        while self._held:
            self._held.pop().close()

    def close(self) -> None:
        self.release()
        self._listening.close()


@pytest.fixture
def control() -> Iterator[Control]:
    control = Control()
    yield control
    control.close()


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", f"/{path}")
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def await_listening(port: int, listening: bool) -> None:
    last = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
            found = True
        except ConnectionRefusedError:
            found = False
        if found == listening:
            return
        assert time.monotonic() < last
        time.sleep(0.01)


class Program:
    """A program that ends on request, beside services that the same node hosts."""

    def __init__(self, place: Place, control: Control, kind: str, last_words: str) -> None:
        self.ports = dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))
        self._control = control
        loops = [LOOP.format(server=one, port=port, kind=kind) for one, port in self.ports.items()]
        place.write("node.config", CONFIG.format(folder=place.folder, loops=", ".join(loops)))
        place.write("ending_services.py", SERVICES)
        source = (
            "import atexit, os, signal, sys, time\n"
            "atexit.register(print, 'exit function', flush=True)\n"
            f"sys.stdin.read()\n{last_words}"
        )
        starter = [*ERLPY, "--config", "node.config"]
        program = place.write("program.py", source)
        self.process = place.start(starter, program, CONTROL_PORT=str(control.port))
        for port in self.ports.values():
            await_listening(port, True)

    def end(self) -> None:
        """Return when the loops have begun to end, one after the other, the last one first."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None
        await_listening(self.ports[SERVERS[-1]], False)


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
@pytest.mark.parametrize("ending", list(ENDINGS))
def test_requests_in_progress_are_finished_with_threads_and_executors(
    place: Place, control: Control, ending: str, kind: str
) -> None:
    last_words, status = ENDINGS[ending]
    program = Program(place, control, kind, last_words)
    requests = [(port, way) for port in program.ports.values() for way in WAYS]
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = [pool.submit(get, port, way) for port, way in requests]
        control.hold(len(requests))
        program.end()
        control.release()
        assert [answer.result() for answer in answers] == ["worked"] * len(requests)
    output, error = program.process.communicate(timeout=SECONDS)
    ends = [f"{server} worked" for server in reversed(SERVERS)]
    assert output.splitlines() == [*ends, "exit function"], error
    assert program.process.returncode == status


def test_control_c_ends_the_wait_for_services(place: Place, control: Control) -> None:
    program = Program(place, control, "uvloop", "")
    assert program.process.stdout is not None
    assert program.process.stderr is not None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, program.ports["aiohttp"], "plain")
        control.hold(1)
        program.end()
        # The second wait is for threads: one of them waits for the services.
        for _ in ("services", "threads"):
            program.process.send_signal(signal.SIGINT)
            while "KeyboardInterrupt" not in (line := program.process.stderr.readline()):
                assert line
        assert program.process.stdout.readline() == "exit function\n"
        control.release()
        assert answer.result() == "worked"
    program.process.communicate(timeout=SECONDS)
    assert program.process.returncode == 0


# A standard error stream that gets the second Ctrl-C while the first Ctrl-C is reported.
INTERRUPTING_REPORT = """\
class Report:
    def __init__(self):
        self.interrupted = False
    def write(self, text):
        sys.__stderr__.write(text)
        if "KeyboardInterrupt" in text and not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)
    def flush(self):
        sys.__stderr__.flush()
sys.stderr = Report()
"""


def test_control_c_during_the_report_of_another_one_ends_the_next_wait(
    place: Place, control: Control
) -> None:
    program = Program(place, control, "uvloop", INTERRUPTING_REPORT)
    assert program.process.stdout is not None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, program.ports["aiohttp"], "plain")
        control.hold(1)
        program.end()
        program.process.send_signal(signal.SIGINT)
        assert program.process.stdout.readline() == "exit function\n"
        control.release()
        assert answer.result() == "worked"
    program.process.communicate(timeout=SECONDS)
    assert program.process.returncode == 0
