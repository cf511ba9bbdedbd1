# SPDX-License-Identifier: Apache-2.0
"""Services for `test_stops.py`, each a main coroutine; Erlang imports them by name.

All of them have the same routes. Under each route, a client can hold up a stop. All note the events
of their lives.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from aiohttp import web
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse

import erlang
from erlang import hosting

# More than the buffers of a connection hold.
CHUNK = b"x" * 1_000_000


async def tell(story: str, event: str) -> None:
    await erlang.async_call("note", story, event)


async def wait_and_tidy(story: str, name: str) -> str:
    """The clean-up takes several turns of the loop."""
    try:
        return str(await erlang.async_call("wait_for", name))
    finally:
        for number in range(20):
            await erlang.async_call("double_it", number)
        await tell(story, "tidied")


async def events() -> AsyncIterator[bytes]:
    while True:
        yield b"data: tick\n\n"
        await asyncio.sleep(0.01)


async def flood() -> AsyncIterator[bytes]:
    while True:
        yield CHUNK


def asgi_app(story: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await tell(story, "started")
        yield
        await tell(story, "ended")

    app = FastAPI(lifespan=lifespan)

    @app.get("/double/{number}")
    async def double(number: int) -> int:
        return int(await erlang.async_call("double_it", number))

    @app.get("/events")
    async def get_events() -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    @app.get("/flood")
    async def get_flood() -> StreamingResponse:
        return StreamingResponse(flood())

    @app.get("/wait/{name}")
    async def wait(name: str) -> str:
        return str(await erlang.async_call("wait_for", name))

    @app.get("/tidy/{name}")
    async def tidy(name: str) -> str:
        return await wait_and_tidy(story, name)

    @app.get("/thread/{name}")
    def thread(name: str) -> str:
        return str(erlang.call("wait_for", name))

    @app.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @app.websocket("/ws/wait/{name}")
    async def ws_wait(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await websocket.send_text(str(await erlang.async_call("wait_for", name)))

    @app.websocket("/ws/tidy/{name}")
    async def ws_tidy(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await wait_and_tidy(story, name)

    @app.websocket("/ws/thread/{name}")
    async def ws_thread(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await websocket.send_text(
            str(await anyio.to_thread.run_sync(erlang.call, "wait_for", name))
        )

    @app.websocket("/ws/echo")
    async def ws_echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    return app


def aiohttp_app(story: str) -> web.Application:
    async def lifespan(_app: web.Application) -> AsyncIterator[None]:
        await tell(story, "started")
        yield
        await tell(story, "ended")

    async def double(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        return web.json_response(await erlang.async_call("double_it", number))

    async def stream(request: web.Request, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in chunks:
            await response.write(chunk)
        return response

    async def get_events(request: web.Request) -> web.StreamResponse:
        return await stream(request, events())

    async def get_flood(request: web.Request) -> web.StreamResponse:
        return await stream(request, flood())

    async def wait(request: web.Request) -> web.Response:
        return web.json_response(await erlang.async_call("wait_for", request.match_info["name"]))

    async def tidy(request: web.Request) -> web.Response:
        return web.json_response(await wait_and_tidy(story, request.match_info["name"]))

    async def thread(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response(await asyncio.to_thread(erlang.call, "wait_for", name))

    async def upload(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    async def ws_wait(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        name = request.match_info["name"]
        await websocket.send_str(str(await erlang.async_call("wait_for", name)))
        return websocket

    async def ws_tidy(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await wait_and_tidy(story, request.match_info["name"])
        return websocket

    async def ws_thread(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        name = request.match_info["name"]
        await websocket.send_str(str(await asyncio.to_thread(erlang.call, "wait_for", name)))
        return websocket

    async def ws_echo(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        open_ones.add(websocket)
        async for message in websocket:
            await websocket.send_str(message.data)
        return websocket

    async def close_all(_app: web.Application) -> None:
        for websocket in open_ones:
            await websocket.close()

    open_ones: set[web.WebSocketResponse] = set()
    app = web.Application()
    app.cleanup_ctx.append(lifespan)
    app.on_shutdown.append(close_all)
    app.add_routes(
        [
            web.get("/double/{number}", double),
            web.get("/events", get_events),
            web.get("/flood", get_flood),
            web.get("/wait/{name}", wait),
            web.get("/tidy/{name}", tidy),
            web.get("/thread/{name}", thread),
            web.post("/upload", upload),
            web.get("/ws/wait/{name}", ws_wait),
            web.get("/ws/tidy/{name}", ws_tidy),
            web.get("/ws/thread/{name}", ws_thread),
            web.get("/ws/echo", ws_echo),
        ]
    )
    return app


async def uvicorn(port: int, story: str, seconds: float | None = None, **config: Any) -> None:
    if seconds is not None:
        config["timeout_graceful_shutdown"] = seconds
    await hosting.uvicorn(asgi_app(story), port=port, log_level=60, **config)


async def hypercorn(port: int, story: str, seconds: float | None = None) -> None:
    config = {} if seconds is None else {"graceful_timeout": seconds}
    bind = [f"127.0.0.1:{port}"]
    await hosting.hypercorn(asgi_app(story), bind=bind, errorlog=None, **config)


async def aiohttp(port: int, story: str, seconds: float | None = None) -> None:
    await hosting.aiohttp(aiohttp_app(story), port=port, shutdown_timeout=seconds)


async def crashing(port: int, story: str, server: str) -> None:
    """Serve until another task fails, beside a server."""
    serve = {"uvicorn": uvicorn, "hypercorn": hypercorn, "aiohttp": aiohttp}[server]
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(port, story))
        await erlang.async_call("wait_for", f"{story} crash")
        raise RuntimeError("as asked")


async def retiring_uvicorn(port: int, story: str) -> None:
    """Serve until the server ends by itself after some requests."""
    await uvicorn(port, story, limit_max_requests=4)
