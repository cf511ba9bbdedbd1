# SPDX-License-Identifier: Apache-2.0
"""An aiohttp service for `test_aiohttp_idioms.py` that uses the framework as its guide teaches.

Each idiom calls Erlang. Erlang keeps the events in order under the service's name.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import ClientSession, WSCloseCode, web
from aiohttp.typedefs import Handler

import erlang
from erlang import hosting

STORY = "aiohttp idioms"
FACTOR = web.AppKey("factor", int)
CLIENT = web.AppKey("client", ClientSession)
USER = web.RequestKey("user", dict[str, object])
LISTENER = web.AppKey("listener", asyncio.Task[None])
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])

routes = web.RouteTableDef()


async def note(event: str) -> None:
    await erlang.async_call("note", STORY, event)


async def database(app: web.Application) -> AsyncIterator[None]:
    """A clean-up context: runs before and after all requests."""
    app[FACTOR] = await erlang.async_call("double_it", 5)
    await note("database opened")
    yield
    await note("database closed")


async def client(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession() as session:
        app[CLIENT] = session
        yield
    await note("client closed")


async def start_listening(app: web.Application) -> None:
    async def listen() -> None:
        try:
            while True:
                await note(f"heard {await erlang.async_call('wait_for', STORY)}")
        except asyncio.CancelledError:
            await note("listener cancelled")
            raise

    app[LISTENER] = asyncio.create_task(listen())


async def stop_listening(app: web.Application) -> None:
    app[LISTENER].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await app[LISTENER]


async def say_goodbye(app: web.Application) -> None:
    for websocket in app[SOCKETS].copy():
        await websocket.close(
            code=WSCloseCode.GOING_AWAY, message=await erlang.async_call("process_message", "bye")
        )


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == "/me":
        user = await erlang.async_call("get_user", int(request.headers["x-user"]))
        if user is None:
            raise web.HTTPUnauthorized
        request[USER] = user
    response = await handler(request)
    if not response.prepared:
        response.headers["x-checked"] = str(await erlang.async_call("double_it", 1))
    return response


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except erlang.Error as error:
        await note(f"explained: {error.reason}")
        return web.json_response({"reason": error.reason}, status=502)


async def sign(_request: web.Request, response: web.StreamResponse) -> None:
    """Run for each answer, just before its headers are sent."""
    response.headers["x-signed"] = await erlang.async_call("process_message", "signed")


@routes.get("/double/{number}")
async def double(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    return web.json_response(await erlang.async_call("double_it", number))


@routes.get("/factor")
async def factor(request: web.Request) -> web.Response:
    return web.json_response(request.app[FACTOR])


@routes.get("/me")
async def me(request: web.Request) -> web.Response:
    return web.json_response(request[USER]["name"])


@routes.get("/fail")
async def fail(_request: web.Request) -> web.Response:
    return web.json_response(await erlang.async_call("fail_with", erlang.Atom("refused")))


@routes.get("/thread/{number}")
async def thread(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    return web.json_response(await asyncio.to_thread(erlang.call, "double_it", number))


@routes.get("/itself")
async def itself(request: web.Request) -> web.Response:
    """Send a request to this very service, on the same loop, by the application's only client."""
    async with request.app[CLIENT].get(request.url.with_path("/double/21")) as answer:
        return web.json_response(await answer.json())


@routes.get("/stream")
async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(20):
        await response.write(f"{await erlang.async_call('double_it', number)}\n".encode())
    await response.write_eof()
    return response


@routes.get("/wait/{name}")
async def wait(request: web.Request) -> web.Response:
    return web.json_response(await erlang.async_call("wait_for", request.match_info["name"]))


@routes.get("/ws")
async def talk(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    request.app[SOCKETS].add(websocket)
    try:
        async for message in websocket:
            await websocket.send_str(await erlang.async_call("process_message", message.data))
    finally:
        request.app[SOCKETS].discard(websocket)
    return websocket


class Plus(web.View):
    async def post(self) -> web.Response:
        number = int(await self.request.text())
        return web.json_response(number + await erlang.async_call("double_it", number))


async def make_app() -> web.Application:
    app = web.Application(middlewares=[explain, authenticate])
    app[SOCKETS] = set()
    app.add_routes(routes)
    sub = web.Application()
    sub.add_routes([web.view("/plus", Plus)])
    app.add_subapp("/sub/", sub)
    app.cleanup_ctx.extend([database, client])
    app.on_startup.append(start_listening)
    app.on_response_prepare.append(sign)
    app.on_shutdown.append(say_goodbye)
    app.on_cleanup.append(stop_listening)
    return app


async def main(port: int) -> None:
    await hosting.aiohttp(make_app, port=port)
