# SPDX-License-Identifier: Apache-2.0
"""Services that Erlang starts under a supervisor, seen from outside; fixtures are in `conftest`."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

import erlang

DEADLINE_SECONDS = 30


def eventually(look: Callable[[], bool]) -> None:
    last = time.monotonic() + DEADLINE_SECONDS
    while not look():
        assert time.monotonic() < last
        time.sleep(0.01)


def story(name: str) -> list[str]:
    """The events in Erlang since the last call, in their order."""
    return list(erlang.call("story", name))


def await_story(name: str, events: list[str]) -> None:
    """Wait for as many events, and check that they are these, in this order."""
    told: list[str] = []

    def is_told() -> bool:
        told.extend(story(name))
        return len(told) >= len(events)

    eventually(is_told)
    assert told == events


def await_events(name: str, events: list[str]) -> None:
    """Wait for the events, in any order."""
    told: list[str] = []

    def is_told() -> bool:
        told.extend(story(name))
        return len(told) >= len(events)

    eventually(is_told)
    assert sorted(told) == sorted(events)


def await_dead(process: erlang.Pid) -> None:
    eventually(lambda: not erlang.call("is_alive", process))


class Hosted:
    """A service with a supervision tree and a port of its own."""

    def __init__(
        self, loop: str, module: str, main: str, port: int, *arguments: Any, stop_timeout: int
    ) -> None:
        self.port = port
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE_SECONDS
        )
        # The process that owns the supervisor.
        self._keeper: erlang.Pid = erlang.call(
            "start_service", erlang.Atom(loop), module, main, [port, *arguments], {}, stop_timeout
        )

    def get(self, path: str) -> Any:
        answer = self.client.get(path).raise_for_status()
        return answer.json()

    def websocket(self, path: str) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None)

    def pid(self) -> erlang.Pid | None:
        """The process of the loop. Each restart makes another process."""
        found: erlang.Pid | None = erlang.call("service_pid")
        return found

    def await_served(self) -> None:
        """Wait until the service answers."""
        eventually(self._is_served)

    def await_restarted(self, before: erlang.Pid | None) -> None:
        """Wait until another process than ``before`` serves."""
        eventually(lambda: self.pid() not in (None, before))
        self.await_served()

    def await_refusal(self) -> None:
        """Wait until the service accepts no more connections."""
        eventually(self.is_refused)

    def stop(self) -> object:
        """Stop the supervisor, if it still runs. Return the reason of its end."""
        return erlang.call("stop_service", self._keeper)

    def close(self) -> None:
        self.stop()
        self.client.close()

    def _is_served(self) -> bool:
        try:
            return bool(self.client.get("/double/21").json() == 42)
        except httpx.TransportError:
            return False

    def is_refused(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS).close()
        except ConnectionError:
            return True
        return False
