# SPDX-License-Identifier: Apache-2.0
"""An aiohttp application that calls Erlang, and aiohttp's own client beside it on the same loop."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from conftest import Serve, Service

import erlang
from erlang import hosting

STARTED = web.AppKey("started", int)


async def user(request: web.Request) -> web.Response:
    found = await erlang.async_call("get_user", int(request.match_info["id"]))
    if found is None:
        raise web.HTTPNotFound
    return web.json_response(found)


async def executor(request: web.Request) -> web.Response:
    loop = asyncio.get_running_loop()
    return web.json_response(await loop.run_in_executor(None, erlang.call, "double_it", 21))


async def started(request: web.Request) -> web.Response:
    return web.json_response(request.app[STARTED])


async def itself(request: web.Request) -> web.Response:
    """Send a request to this very service with the service's own client, on the same loop."""
    url = request.url.with_path("/user/5")
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return web.json_response(await answer.json())


async def talk(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    async for message in websocket:
        await websocket.send_str(await erlang.async_call("process_message", message.data))
    return websocket


async def fail(request: web.Request) -> web.Response:
    return web.json_response(await erlang.async_call("fail_with", erlang.Atom("refused")))


@web.middleware
async def bad_gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except erlang.Error as error:
        return web.json_response({"reason": error.reason}, status=502)


async def make_app() -> web.Application:
    app = web.Application(middlewares=[bad_gateway])
    app.add_routes(
        [
            web.get("/user/{id}", user),
            web.get("/executor", executor),
            web.get("/started", started),
            web.get("/itself", itself),
            web.get("/ws", talk),
            web.get("/fail", fail),
        ]
    )
    app[STARTED] = await erlang.async_call("double_it", 4)
    return app


@pytest.fixture
def service(serve: Serve) -> Service:
    async def main(listening: socket.socket) -> None:
        await hosting.aiohttp(make_app, sockets=[listening])

    return serve(main)


def test_a_handler_awaits_erlang(service: Service) -> None:
    assert service.http.get("/user/7").json() == {"id": 7, "name": "user 7"}
    assert service.http.get("/user/700").status_code == 404


def test_a_handler_calls_erlang_in_an_executor(service: Service) -> None:
    assert service.http.get("/executor").json() == 42


def test_the_factory_awaits_erlang_before_the_service_starts(service: Service) -> None:
    assert service.http.get("/started").json() == 8


def test_client_and_server_share_a_loop(service: Service) -> None:
    assert service.http.get("/itself").json() == {"id": 5, "name": "user 5"}


def test_an_erlang_error_reaches_the_middleware_as_itself(service: Service) -> None:
    answer = service.http.get("/fail")
    assert (answer.status_code, answer.json()) == (502, {"reason": "refused"})


def test_websockets_each_get_their_own(service: Service) -> None:
    def talk_to_it(number: int) -> list[str | bytes]:
        with service.websocket("/ws") as websocket:
            for turn in range(20):
                websocket.send(f"{number} says {turn}")
            return [websocket.recv() for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(talk_to_it, range(8)))
    assert heard == [[f"{number} SAYS {turn}" for turn in range(20)] for number in range(8)]
