# SPDX-License-Identifier: Apache-2.0
"""Servers under an Erlang supervisor: uvicorn, hypercorn, aiohttp, plain asyncio."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import Host
from hosted import DEADLINE_SECONDS, Hosted, eventually

import erlang

SERVERS = ["uvicorn", "hypercorn", "aiohttp", "plain"]
IN_PROGRESS = 40

# A warning of uvloop about connections that it closes itself. As an error, it would prevent this.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning")


@pytest.fixture(params=SERVERS)
def service(request: pytest.FixtureRequest, host: Host) -> Hosted:
    return host("hosted_servers", request.param)


def test_it_answers_many_at_once(service: Hosted) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: service.get(f"/double/{n}"), range(100))
        assert list(answers) == [2 * n for n in range(100)]


class Load:
    """Clients that send requests while a server listens, each on a new connection."""

    def __init__(self, url: str, clients: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._url = url
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while True:
            try:
                answer = httpx.get(self._url, trust_env=False, timeout=DEADLINE_SECONDS)
            except httpx.ConnectError:
                return  # refused
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                continue  # the server closed its socket while the client was connecting
            self.statuses[answer.status_code] += 1

    def join(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)
            assert not thread.is_alive()


def test_a_stop_under_load_finishes_what_is_in_progress_and_refuses_what_is_new(
    service: Hosted, name: str
) -> None:
    names = [f"{name}-{n}" for n in range(IN_PROGRESS)]
    load = Load(f"http://127.0.0.1:{service.port}/double/1", clients=4)
    eventually(lambda: load.statuses[200] >= IN_PROGRESS)
    with ThreadPoolExecutor(IN_PROGRESS + 1) as pool:
        waiting = [pool.submit(service.get, f"/wait/{one}") for one in names]
        for one in names:
            erlang.call("await_waiting", one)
        stopping = pool.submit(service.stop)
        service.await_refusal()
        assert not stopping.done()
        assert not any(answer.done() for answer in waiting)
        for one in names:
            erlang.call("release", one, f"{one} is served to the end")
        assert [answer.result() for answer in waiting] == [
            f"{one} is served to the end" for one in names
        ]
        assert stopping.result() == "shutdown"
    load.join()
    assert set(load.statuses) == {200}
    assert service.pid() is None
    service.await_refusal()


def test_a_killed_one_is_restarted_on_the_same_port(service: Hosted) -> None:
    for _ in range(3):
        before = service.pid()
        erlang.call("kill_service")
        service.await_restarted(before)
        assert service.get("/double/4") == 8


def test_a_killed_one_leaves_no_client_waiting(service: Hosted, name: str) -> None:
    before = service.pid()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.get, f"/wait/{name}")
        erlang.call("await_waiting", name)
        erlang.call("kill_service")
        with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError, httpx.HTTPStatusError)):
            waiting.result(DEADLINE_SECONDS)
    service.await_restarted(before)
