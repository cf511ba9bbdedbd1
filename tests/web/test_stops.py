# SPDX-License-Identifier: Apache-2.0
"""Stops of hosted services whose clients never let go. The application still ends in time."""

import base64
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Host
from hosted import DEADLINE_SECONDS, Hosted, await_story

import erlang

SERVERS = ["uvicorn", "hypercorn", "aiohttp"]

# A warning of uvloop about connections of hypercorn that uvloop closes itself. As an error, the
# warning would prevent this.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning")


class Client:
    """A bare connection, which reads on request and answers nothing."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)

    def send(self, *lines: str) -> None:
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def get(self, path: str) -> None:
        self.send(f"GET {path} HTTP/1.1", "Host: here", "")

    def upgrade(self, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            f"GET {path} HTTP/1.1",
            *("Host: here", "Connection: Upgrade", "Upgrade: websocket"),
            *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", ""),
        )
        self.read_until(b"\r\n\r\n")

    def read_until(self, end: bytes) -> None:
        read = b""
        while end not in read:
            more = self.socket.recv(65536)
            assert more
            read += more

    def read_end(self) -> None:
        """Read until the service has closed the connection."""
        try:
            while self.socket.recv(1_000_000):
                pass
        except ConnectionError:
            pass


def hears_events(client: Client, _name: str) -> None:
    client.get("/events")
    client.read_until(b"tick")


def reads_nothing(client: Client, _name: str) -> None:
    client.get("/flood")
    client.read_until(b"\r\n\r\n")


def wait_on(start: Callable[[str], object], path: str, name: str) -> None:
    start(f"{path}/{name}")
    erlang.call("await_waiting", name)


def waits(client: Client, name: str) -> None:
    wait_on(client.get, "/wait", name)


def waits_for_what_tidies(client: Client, name: str) -> None:
    wait_on(client.get, "/tidy", name)


def has_a_websocket_that_tidies(client: Client, name: str) -> None:
    wait_on(client.upgrade, "/ws/tidy", name)


def has_a_thread_wait(client: Client, name: str) -> None:
    wait_on(client.get, "/thread", name)


def has_its_websocket_wait(client: Client, name: str) -> None:
    wait_on(client.upgrade, "/ws/wait", name)


def has_its_websockets_thread_wait(client: Client, name: str) -> None:
    wait_on(client.upgrade, "/ws/thread", name)


def sends_half_a_body(client: Client, _name: str) -> None:
    client.send("POST /upload HTTP/1.1", "Host: here", "Content-Length: 10", "", "12345")


def sends_half_a_head(client: Client, _name: str) -> None:
    client.send("GET /double/1 HTTP/1.1", "Host: here")


def says_nothing(_client: Client, _name: str) -> None:
    pass


def keeps_its_connection(client: Client, _name: str) -> None:
    client.get("/double/1")
    client.read_until(b"\r\n\r\n2")


def does_not_close_its_websocket(client: Client, _name: str) -> None:
    client.upgrade("/ws/echo")


Hold = Callable[[Client, str], None]
HOLDING: list[Hold] = [
    hears_events,
    reads_nothing,
    waits,
    has_a_thread_wait,
    has_its_websocket_wait,
    has_its_websockets_thread_wait,
    sends_half_a_body,
    does_not_close_its_websocket,
]
IDLE: list[Hold] = [sends_half_a_head, says_nothing, keeps_its_connection]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def connect(name: str) -> Iterator[Callable[[Hosted, Hold], Client]]:
    """Make a client connect and act."""
    clients: list[Client] = []
    names: list[str] = []

    def start(service: Hosted, hold: Hold) -> Client:
        client = Client(service.port)
        clients.append(client)
        names.append(f"{name}-{len(names)}")
        hold(client, names[-1])
        return client

    yield start
    for one in names:
        # These threads can't be interrupted.
        erlang.call("release_all", one)
    for client in clients:
        client.socket.close()


Connect = Callable[[Hosted, Hold], Client]


def test_the_application_ends_though_clients_hold_on(
    server: str, host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", server, name, stop_timeout=3000)
    clients = [connect(service, hold) for hold in HOLDING]
    assert service.stop() == "shutdown"
    await_story(name, ["started", "ended"])
    for client in clients:
        client.read_end()
    assert service.is_refused()


def test_the_clean_up_of_cancelled_requests_is_not_cancelled(
    server: str, host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", server, name, stop_timeout=3000)
    connect(service, waits_for_what_tidies)
    connect(service, has_a_websocket_that_tidies)
    assert service.stop() == "shutdown"
    await_story(name, ["started", "tidied", "tidied", "ended"])


def test_a_stop_with_a_time_of_its_own_ends_the_application_within_that(
    server: str, host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", server, name, stop_timeout=600_000)
    client = connect(service, hears_events)
    before = service.pid()
    assert erlang.call("stop_loop", 3000) == "ok"
    client.read_end()
    service.await_restarted(before)
    await_story(name, ["started", "ended", "started"])


def test_a_users_own_time_for_requests_goes_first(
    server: str, host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", server, name, 0.1, stop_timeout=600_000)
    connect(service, hears_events)
    assert service.stop() == "shutdown"
    await_story(name, ["started", "ended"])


def test_a_users_own_time_that_leaves_none_for_the_application_is_cut_short_and_reported(
    server: str, host: Host, connect: Connect, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = host("stopping_services", server, name, 600.0, stop_timeout=3000)
    assert "=600 leaves no time to end the application within" in caplog.text
    connect(service, hears_events)
    assert service.stop() == "shutdown"
    await_story(name, ["started", "ended"])


def test_a_service_that_crashes_comes_back_though_a_client_holds_on(
    server: str, host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", "crashing", name, server, stop_timeout=3000)
    before = service.pid()
    client = connect(service, hears_events)
    erlang.call("release", f"{name} crash", True)
    client.read_end()
    service.await_restarted(before)
    await_story(name, ["started", "ended", "started"])
    erlang.call("release_all", f"{name} crash")


def test_a_service_that_ends_by_itself_comes_back_though_a_client_holds_on(
    host: Host, connect: Connect, name: str
) -> None:
    service = host("stopping_services", "retiring_uvicorn", name, stop_timeout=3000)
    before = service.pid()
    client = connect(service, hears_events)
    # With the look of `host` these are the four answers after which the server ends. The stream of
    # the client has not ended, so it does not count.
    for _ in range(3):
        service.get("/double/1")
    client.read_end()
    service.await_restarted(before)
    await_story(name, ["started", "ended", "started"])


def test_idle_clients_hold_up_no_stop(server: str, host: Host, connect: Connect, name: str) -> None:
    service = host("stopping_services", server, name, stop_timeout=60_000)
    clients = [connect(service, hold) for hold in IDLE]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(service.stop).result(DEADLINE_SECONDS) == "shutdown"
    await_story(name, ["started", "ended"])
    for client in clients:
        client.read_end()
    assert service.is_refused()
