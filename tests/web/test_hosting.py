# SPDX-License-Identifier: Apache-2.0
"""erlang.hosting: how hosted services start, fail to start, and stop."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import WSCloseCode, web
from conftest import END_SECONDS, LoopThread, Serve, listening_socket
from fastapi import FastAPI, WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.exceptions import ConnectionClosed

import erlang
from erlang import hosting
from erlang.testing import becomes_true

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Main = Callable[[socket.socket], Coroutine[Any, Any, object]]


class Life:
    """The events of an application, in their order."""

    def __init__(self) -> None:
        self.events: list[str] = []


def fastapi_main(life: Life, name: str) -> Main:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        life.events.append("started")
        yield
        life.events.append("stopped")

    app = FastAPI(lifespan=lifespan)

    @app.get("/wait")
    async def wait() -> str:
        answer = str(await erlang.async_call("wait_for", name))
        life.events.append("answered")
        return answer

    @app.websocket("/ws")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.receive_text()

    async def main(listening: socket.socket) -> None:
        await hosting.uvicorn(app, sockets=[listening], log_level="critical")

    return main


def aiohttp_main(life: Life, name: str) -> Main:
    sockets: set[web.WebSocketResponse] = set()

    async def wait(_request: web.Request) -> web.Response:
        answer = await erlang.async_call("wait_for", name)
        life.events.append("answered")
        return web.json_response(answer)

    async def talk(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        sockets.add(websocket)
        await websocket.send_str("hello")
        async for _ in websocket:
            pass
        return websocket

    async def lifespan(_app: web.Application) -> AsyncIterator[None]:
        life.events.append("started")
        yield
        life.events.append("stopped")

    async def close_sockets(_app: web.Application) -> None:
        for websocket in sockets:
            await websocket.close(code=WSCloseCode.SERVICE_RESTART)

    def make_app() -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/wait", wait), web.get("/ws", talk)])
        app.cleanup_ctx.append(lifespan)
        app.on_shutdown.append(close_sockets)
        return app

    async def main(listening: socket.socket) -> None:
        await hosting.aiohttp(make_app, sockets=[listening])

    return main


MAINS = {"uvicorn": fastapi_main, "aiohttp": aiohttp_main}


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture(params=list(MAINS))
def main(request: pytest.FixtureRequest, life: Life, name: str) -> Main:
    return MAINS[request.param](life, name)


def test_a_stop_finishes_the_request_in_progress(
    main: Main, serve: Serve, life: Life, name: str
) -> None:
    service = serve(main)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.http.get, "/wait")
        erlang.call("await_waiting", name)
        service.thread.cancel()
        service.await_refusal()
        erlang.call("release", name, "served to the end")
        assert waiting.result().json() == "served to the end"
    assert isinstance(service.thread.join(), asyncio.CancelledError)
    assert life.events == ["started", "answered", "stopped"]


def test_a_stop_closes_websockets(main: Main, serve: Serve, life: Life) -> None:
    service = serve(main)
    with service.websocket("/ws") as websocket:
        assert websocket.recv() == "hello"
        service.thread.cancel()
        with pytest.raises(ConnectionClosed):
            websocket.recv(timeout=10)
        assert websocket.close_code == WSCloseCode.SERVICE_RESTART
    assert isinstance(service.thread.join(), asyncio.CancelledError)
    assert life.events == ["started", "stopped"]


def test_a_second_cancellation_cuts_the_stop_short(main: Main, serve: Serve, name: str) -> None:
    service = serve(main)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.http.get, "/wait")
        erlang.call("await_waiting", name)
        service.thread.cancel()
        service.await_refusal()
        service.thread.cancel()
        assert isinstance(service.thread.join(), asyncio.CancelledError)
        with pytest.raises(httpx.RemoteProtocolError):
            waiting.result()


class Stubborn:
    """A request that ignores its cancellation until it is released."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._released = asyncio.Event()

    async def run(self) -> None:
        self.begun.set()
        while not self._released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self._released.wait()

    async def release(self) -> None:
        self._released.set()


def test_a_loop_that_is_not_hosted_waits_no_longer_than_uvicorn_itself(
    serve: Serve, life: Life
) -> None:
    request = Stubborn()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        life.events.append("stopped")

    app = FastAPI(lifespan=lifespan)
    app.get("/")(request.run)

    async def main(listening: socket.socket) -> None:
        await hosting.uvicorn(
            app, sockets=[listening], timeout_graceful_shutdown=1, log_level="critical"
        )

    service = serve(main)
    loop = service.thread.loop
    assert loop is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.http.get, "/")
        assert request.begun.wait(END_SECONDS)
        service.thread.cancel()
        try:
            assert becomes_true(lambda: life.events == ["stopped"])
        finally:
            asyncio.run_coroutine_threadsafe(request.release(), loop)
        assert isinstance(service.thread.join(), asyncio.CancelledError)
        waiting.exception()


class Delays:
    """Whether accepted connections of the server send at once (TCP_NODELAY)."""

    def __init__(self) -> None:
        self.nodelay: list[bool] = []

    def look(self, transport: asyncio.BaseTransport | None) -> None:
        assert transport is not None
        accepted = transport.get_extra_info("socket")
        self.nodelay.append(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))


def uvicorn_that_looks(delays: Delays) -> Main:
    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            delays.look(transport)

    async def main(listening: socket.socket) -> None:
        await hosting.uvicorn(FastAPI(), sockets=[listening], http=Protocol, log_level=60)

    return main


def aiohttp_that_looks(delays: Delays) -> Main:
    async def look(request: web.Request) -> web.Response:
        delays.look(request.transport)
        return web.Response()

    async def main(listening: socket.socket) -> None:
        app = web.Application()
        app.add_routes([web.get("/", look)])
        await hosting.aiohttp(app, sockets=[listening])

    return main


@pytest.mark.parametrize("that_looks", [uvicorn_that_looks, aiohttp_that_looks])
def test_connections_to_a_socket_of_ones_own_send_without_delay(
    that_looks: Callable[[Delays], Main], serve: Serve
) -> None:
    delays = Delays()
    service = serve(that_looks(delays))
    service.http.get("/")
    assert delays.nodelay == [True]


async def empty_app(scope: Any, _receive: Any, _send: Any) -> None:
    assert scope["type"] != "lifespan"


def run(loop_factory: LoopFactory, main: Coroutine[Any, Any, object]) -> None:
    """Run ``main`` off the main thread, as hosted loops do, and raise its exception."""
    error = LoopThread(loop_factory, lambda: main).join()
    if error is not None:
        raise error


@pytest.mark.parametrize("host", ["uvicorn", "aiohttp"])
def test_a_taken_port_is_an_os_error(host: str, loop_factory: LoopFactory) -> None:
    with listening_socket() as taken:
        port = taken.getsockname()[1]
        main = (
            hosting.uvicorn(empty_app, port=port, log_level=60)
            if host == "uvicorn"
            else hosting.aiohttp(web.Application, port=port)
        )
        with pytest.raises(OSError, match="in use"):
            run(loop_factory, main)


def test_a_failing_start_up_raises_with_its_cause(loop_factory: LoopFactory) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await erlang.async_call("fail_with", erlang.Atom("no_database"))
        yield

    with pytest.raises(RuntimeError, match="no_database") as raised:
        run(loop_factory, hosting.uvicorn(FastAPI(lifespan=lifespan), port=0, log_level=60))
    assert isinstance(raised.value.__cause__, erlang.Error)


def test_a_failing_aiohttp_start_up_raises_it(loop_factory: LoopFactory) -> None:
    async def on_startup(_app: web.Application) -> None:
        await erlang.async_call("fail_with", erlang.Atom("no_database"))

    app = web.Application()
    app.on_startup.append(on_startup)
    with pytest.raises(erlang.Error, match="no_database"):
        run(loop_factory, hosting.aiohttp(app, port=0))


def test_a_start_up_that_hangs_can_be_cancelled(serve: Serve, name: str) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await erlang.async_call("wait_for", name)
        yield

    async def main(listening: socket.socket) -> None:
        with listening:
            await hosting.uvicorn(FastAPI(lifespan=lifespan), sockets=[listening], log_level=60)

    service = serve(main)
    erlang.call("await_waiting", name)
    assert isinstance(service.stop(), asyncio.CancelledError)


@pytest.mark.parametrize("reference", ["no_such_module_here:app", "json:no_such_app", "json"])
def test_an_import_string_that_leads_nowhere_is_an_error(
    reference: str, loop_factory: LoopFactory
) -> None:
    with pytest.raises(RuntimeError, match=reference):
        run(loop_factory, hosting.uvicorn(reference, log_level=60))
    with pytest.raises((ImportError, AttributeError, ValueError)):
        run(loop_factory, hosting.aiohttp(reference))


def test_what_needs_processes_of_its_own_is_refused(loop_factory: LoopFactory) -> None:
    for config in ({"reload": True}, {"workers": 2}):
        with pytest.raises(ValueError, match="processes of their own"):
            run(loop_factory, hosting.uvicorn(empty_app, **config))


@pytest.mark.parametrize("host", ["uvicorn", "aiohttp"])
def test_an_unknown_option_is_refused(host: str, loop_factory: LoopFactory) -> None:
    async def main() -> None:
        # without this limit the service could serve for ever
        async with asyncio.timeout(END_SECONDS / 2):
            if host == "uvicorn":
                await hosting.uvicorn(empty_app, prot=8000)
            else:
                await hosting.aiohttp(web.Application, port=0, keepalive_time=5)

    with pytest.raises(TypeError, match="unexpected keyword argument"):
        run(loop_factory, main())


def test_no_signal_handlers_are_installed_even_on_the_main_thread() -> None:
    assert threading.current_thread() is threading.main_thread()

    async def main() -> list[object]:
        with listening_socket() as listening:
            service = asyncio.create_task(
                hosting.uvicorn(empty_app, sockets=[listening], log_level=60)
            )
            async with httpx.AsyncClient(trust_env=False) as client:
                # Whatever the answer is, the service runs by then.
                await client.get(f"http://127.0.0.1:{listening.getsockname()[1]}/")
            handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
            service.cancel()
            await asyncio.wait([service])
            return handlers

    before = signal.getsignal(signal.SIGTERM)
    during, interrupt = asyncio.run(main())
    assert during == before
    assert "uvicorn" not in repr(interrupt)
