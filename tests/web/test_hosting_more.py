# SPDX-License-Identifier: Apache-2.0
"""More servers under an Erlang supervisor: hypercorn, aiohttp, and asyncio with nothing on top."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import listening_socket

import erlang

DEADLINE_SECONDS = 30
SERVERS = ["hypercorn", "aiohttp", "plain"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def port() -> int:
    with listening_socket() as free:
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE_SECONDS
    ) as client:
        yield client


@pytest.fixture
def keeper(server: str, loop_name: str, port: int) -> Iterator[erlang.Pid]:
    """The Erlang process that keeps the server's supervisor."""
    keeper = erlang.call(
        "start_service", erlang.Atom(loop_name), "hosted_servers", server, [port], {}
    )
    yield keeper
    if erlang.call("service_pid") is not None:
        erlang.call("stop_service", keeper)


def eventually(look: Callable[[], bool]) -> None:
    last = time.monotonic() + DEADLINE_SECONDS
    while not look():
        assert time.monotonic() < last
        time.sleep(0.01)


def is_served(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/double/21").json() == 42)
    except httpx.TransportError:
        return False


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS).close()
    except ConnectionError:
        return True
    return False


def test_it_answers_many_at_once(keeper: erlang.Pid, client: httpx.Client) -> None:
    eventually(lambda: is_served(client))
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: client.get(f"/double/{n}").json(), range(100))
        assert list(answers) == [2 * n for n in range(100)]


def test_a_stop_finishes_requests_in_progress_and_refuses_new_ones(
    keeper: erlang.Pid, client: httpx.Client, port: int, name: str
) -> None:
    eventually(lambda: is_served(client))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(client.get, f"/wait/{name}")
        erlang.call("await_waiting", name)
        stopping = pool.submit(erlang.call, "stop_service", keeper)
        eventually(lambda: is_refused(port))
        assert not stopping.done()
        erlang.call("release", name, "served to the end")
        assert waiting.result().json() == "served to the end"
        assert stopping.result() == "shutdown"
    assert erlang.call("service_pid") is None


def test_a_killed_one_is_restarted_on_the_same_port(
    keeper: erlang.Pid, client: httpx.Client
) -> None:
    eventually(lambda: is_served(client))
    erlang.call("kill_service")
    eventually(lambda: is_served(client))
