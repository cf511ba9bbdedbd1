# SPDX-License-Identifier: Apache-2.0
"""Services on real sockets. Each has an event loop and a thread of its own, in this process."""

import asyncio
import contextlib
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
import uvloop
from hosted import Hosted
from websockets.sync.client import ClientConnection, connect

import erlang

pytest_plugins = ["erlang.testing"]

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
END_SECONDS = 20
# Below the ports that Linux, macOS and the BSDs choose for outgoing connections.
UNASSIGNED_PORTS = (10_300, 32_700)

_numbers = itertools.count()


def pytest_sessionstart() -> None:
    if not hasattr(erlang, "await_waiting"):
        raise pytest.UsageError(
            "the tests' Erlang functions are not registered: run them by ./dev test web"
        )
    # From its first loop on, uvloop keeps descriptors for the whole process.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))


@pytest.fixture(autouse=True)
def nothing_leaks(no_erlang_leaks: None) -> None:
    """Fail a test that leaves something behind."""


class LoopThread:
    """A main coroutine with a loop and a thread of its own."""

    def __init__(
        self,
        loop_factory: Callable[[], asyncio.AbstractEventLoop],
        main: Callable[[], Coroutine[Any, Any, object]],
    ) -> None:
        self.error: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[object] | None = None
        begun = threading.Event()

        async def keep() -> object:
            self.loop = asyncio.get_running_loop()
            self.task = asyncio.current_task()
            begun.set()
            return await main()

        def run() -> None:
            try:
                with asyncio.Runner(loop_factory=loop_factory) as runner:
                    runner.run(keep())
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert begun.wait(END_SECONDS)

    def cancel(self) -> None:
        assert self.loop is not None
        assert self.task is not None
        with contextlib.suppress(RuntimeError):  # the loop ended by itself and is closed
            self.loop.call_soon_threadsafe(self.task.cancel)

    def join(self) -> BaseException | None:
        """The exception of the main coroutine, if any."""
        self.thread.join(END_SECONDS)
        assert not self.thread.is_alive()
        return self.error


class Service:
    """A service that listens. Its clients reach it by ``http`` and ``websocket``."""

    def __init__(self, thread: LoopThread, listening: socket.socket) -> None:
        self.thread = thread
        self.listening = listening
        self.port: int = listening.getsockname()[1]
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=END_SECONDS
        )

    def websocket(self, path: str) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None)

    def await_refusal(self) -> None:
        """Wait until the service accepts no more connections."""
        last = time.monotonic() + END_SECONDS
        while self.listening.fileno() != -1:
            assert time.monotonic() < last
            time.sleep(0.005)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port), timeout=END_SECONDS)

    def stop(self) -> BaseException | None:
        self.thread.cancel()
        return self.thread.join()


Host = Callable[..., Hosted]
Serve = Callable[[Callable[[socket.socket], Coroutine[Any, Any, object]]], Service]


@pytest.fixture(params=list(LOOPS))
def loop_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def loop_factory(loop_name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[loop_name]


@pytest.fixture
def serve(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[Serve]:
    """Start services, given a main coroutine that serves on a listening socket."""
    services: list[Service] = []

    def start(main: Callable[[socket.socket], Coroutine[Any, Any, object]]) -> Service:
        listening = listening_socket()
        service = Service(LoopThread(loop_factory, lambda: main(listening)), listening)
        services.append(service)
        return service

    yield start
    for service in services:
        service.http.close()
        service.stop()


def listening_socket() -> socket.socket:
    """A socket that listens already, so that clients need not wait for the service's start."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


@pytest.fixture
def free_port() -> int:
    """A port that stays free while a service restarts: systems do not assign it to clients."""
    while True:
        port = random.randrange(*UNASSIGNED_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def host(loop_name: str, free_port: int) -> Iterator[Host]:
    """Make Erlang start services, given the module and the name of a main coroutine.

    ``arguments`` come after the port; ``stop_timeout`` is in milliseconds.
    """
    services: list[Hosted] = []

    def start(module: str, main: str, *arguments: Any, stop_timeout: int = 10_000) -> Hosted:
        service = Hosted(loop_name, module, main, free_port, *arguments, stop_timeout=stop_timeout)
        services.append(service)
        service.await_served()
        return service

    yield start
    for service in services:
        service.close()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"web-{next(_numbers)}"
