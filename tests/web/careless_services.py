# SPDX-License-Identifier: Apache-2.0
"""Applications that do not end properly, for `test_careless_ends.py`; Erlang imports them.

Each is a main coroutine, which serves beside tasks that do end, and notes the events of its life.
Code that answers `GET /hold` is cancelled, and then does its ``deed``.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from fastapi import FastAPI
from fastapi.responses import Response

import erlang
from erlang import hosting

End = Callable[[], Awaitable[None]]


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def cling() -> None:
    """Swallow each cancellation."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()


async def linger() -> None:
    """Never end the clean-up."""
    try:
        await forever()
    finally:
        await forever()


async def fail() -> None:
    raise ValueError("not like this")


DEEDS: dict[str, End] = {"clings": cling, "lingers": linger, "hangs": forever, "fails": fail}
# Tasks and generators, kept as libraries may keep theirs.
KEPT: list[object] = []


async def nothing() -> None:
    pass


class Life:
    """The application's behaviour for a request and at its end."""

    def __init__(self, story: str, deed: str, place: str) -> None:
        self._story = story
        self._places: dict[str, End] = {place: DEEDS[deed]}

    def at(self, place: str) -> End:
        return self._places.get(place, nothing)

    async def tell(self, event: str) -> None:
        await erlang.async_call("note", self._story, event)

    async def company(self) -> None:
        try:
            await forever()
        finally:
            await self.tell("task")

    async def generate(self) -> AsyncIterator[None]:
        try:
            while True:
                yield
        finally:
            await self.tell("generator")


def asgi_app(life: Life) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await life.tell("started")
        yield
        await life.tell("ended")
        await life.at("end")()

    app = FastAPI(lifespan=lifespan)

    @app.get("/double/{number}")
    async def double(number: int) -> int:
        return 2 * number

    @app.get("/hold")
    async def hold() -> Response:
        await life.tell("held")
        await life.at("request")()
        return Response()

    return app


def aiohttp_app(life: Life) -> web.Application:
    async def lifespan(_app: web.Application) -> AsyncIterator[None]:
        await life.tell("started")
        yield
        await life.tell("ended")
        await life.at("end")()

    async def shut_down(_app: web.Application) -> None:
        await life.at("shutdown")()

    async def double(request: web.Request) -> web.Response:
        return web.json_response(2 * int(request.match_info["number"]))

    async def hold(_request: web.Request) -> web.Response:
        await life.tell("held")
        await life.at("request")()
        return web.Response()

    app = web.Application()
    app.cleanup_ctx.append(lifespan)
    app.on_shutdown.append(shut_down)
    app.add_routes([web.get("/double/{number}", double), web.get("/hold", hold)])
    return app


async def main(port: int, server: str, story: str, deed: str, place: str) -> None:
    """Serve with ``server``; the code at ``place`` does its ``deed``."""
    life = Life(story, deed, place)
    tasks = [asyncio.create_task(life.company()), asyncio.create_task(life.at("background")())]
    generator = life.generate()
    await anext(generator)
    KEPT.extend([*tasks, generator])
    if server == "uvicorn":
        await hosting.uvicorn(asgi_app(life), port=port, log_level=60)
    elif server == "hypercorn":
        await hosting.hypercorn(asgi_app(life), bind=[f"127.0.0.1:{port}"], errorlog=None)
    else:
        await hosting.aiohttp(aiohttp_app(life), port=port)


async def crashing(port: int, server: str, story: str, deed: str, place: str) -> None:
    """Serve until the application fails by itself."""
    async with asyncio.TaskGroup() as group:
        group.create_task(main(port, server, story, deed, place))
        await erlang.async_call("wait_for", f"{story} crash")
        raise RuntimeError("as asked")
