# SPDX-License-Identifier: Apache-2.0
"""A web service under an Erlang supervisor, by py_loop: it starts, crashes, comes back, stops."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import hosted_service
import httpx
import pytest
from conftest import listening_socket

import erlang

DEADLINE_SECONDS = 30


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


Keeper = erlang.Pid


@pytest.fixture
def keeper(loop_name: str, port: int) -> Iterator[Keeper]:
    """The Erlang process that keeps the service's supervisor."""
    hosted_service.stopped.clear()
    keeper = erlang.call(
        "start_service", erlang.Atom(loop_name), "hosted_service", "main", [port], {}
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


def test_it_serves_on_the_loop_that_was_asked_for(
    keeper: Keeper, client: httpx.Client, loop_name: str
) -> None:
    eventually(lambda: is_served(client))
    assert client.get("/loop").json() == loop_name


def test_it_stops_gracefully_with_its_supervisor(
    keeper: Keeper, client: httpx.Client, port: int, name: str
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
    assert hosted_service.stopped.is_set()
    assert erlang.call("service_pid") is None


def test_it_is_restarted_when_it_crashes(keeper: Keeper, client: httpx.Client) -> None:
    eventually(lambda: is_served(client))
    first = erlang.call("service_pid")
    client.get("/crash")
    eventually(lambda: erlang.call("service_pid") not in (None, first))
    eventually(lambda: is_served(client))
