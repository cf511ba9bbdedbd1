# SPDX-License-Identifier: Apache-2.0
"""Stops of applications that do not end properly: everything else ends in spite of them."""

import socket
from collections.abc import Iterator

import careless_services
import pytest
from conftest import Host
from hosted import DEADLINE_SECONDS, await_events, await_story

import erlang

# The deed of each place. The loop's own part of an end is the same for all servers.
CASES = {
    "uvicorn": [
        ("clings", "request"),
        ("lingers", "request"),
        ("clings", "background"),
        ("lingers", "background"),
        ("fails", "background"),
        ("fails", "end"),
        ("hangs", "end"),
        ("lingers", "end"),
        ("clings", "end"),
    ],
    "hypercorn": [("clings", "request"), ("fails", "end"), ("hangs", "end"), ("clings", "end")],
    "aiohttp": [
        ("clings", "request"),
        ("fails", "end"),
        ("hangs", "end"),
        ("clings", "end"),
        ("fails", "shutdown"),
        ("hangs", "shutdown"),
        ("clings", "shutdown"),
    ],
}

# Warnings of tasks that are left when their loop is closed, and of connections that uvloop closes.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    yield
    careless_services.KEPT.clear()


@pytest.mark.parametrize(
    ("server", "deed", "place"),
    [(server, *case) for server, cases in CASES.items() for case in cases],
)
def test_everything_else_ends_and_the_service_comes_back(
    server: str, deed: str, place: str, host: Host, name: str
) -> None:
    service = host("careless_services", "main", server, name, deed, place, stop_timeout=1500)
    before = service.pid()
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE_SECONDS) as client:
        if place == "request":
            client.sendall(b"GET /hold HTTP/1.1\r\nHost: here\r\n\r\n")
            await_story(name, ["started", "held"])
        else:
            await_story(name, ["started"])
        erlang.call("stop_loop", 1500)
        read_end(client)
    service.await_restarted(before)
    await_events(name, ["ended", "generator", "started", "task"])


def test_a_service_that_crashes_comes_back_though_a_task_clings(host: Host, name: str) -> None:
    arguments = ["uvicorn", name, "clings", "background"]
    service = host("careless_services", "crashing", *arguments, stop_timeout=1500)
    before = service.pid()
    erlang.call("release", f"{name} crash", True)
    service.await_restarted(before)
    await_events(name, ["started", "ended", "generator", "started", "task"])
    erlang.call("release_all", f"{name} crash")


def read_end(client: socket.socket) -> None:
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
