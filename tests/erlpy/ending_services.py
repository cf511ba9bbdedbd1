# SPDX-License-Identifier: Apache-2.0
"""Services that an erlpy program's node hosts; `test_hosted_end.py` writes this into its folder.

All answer `GET /WAY`: each request does some work, which the test holds until the program has
ended.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
from aiohttp import web
from hypercorn.asyncio import serve
from hypercorn.config import Config

from erlang import hosting

CONTROL_PORT = int(os.environ["CONTROL_PORT"])

own_pool = ThreadPoolExecutor(2)


def work() -> str:
    return threading.current_thread().name and "worked"


async def in_default_executor() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def in_own_pool() -> str:
    return await asyncio.get_running_loop().run_in_executor(own_pool, work)


async def in_new_pool() -> str:
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.wrap_future(pool.submit(work))


async def with_a_name_looked_up() -> str:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
    return work()


async def plain() -> str:
    return work()


WAYS: dict[str, Callable[[], Awaitable[str]]] = {
    "to_thread": lambda: asyncio.to_thread(work),
    "default_executor": in_default_executor,
    "own_pool": in_own_pool,
    "new_pool": in_new_pool,
    "anyio": lambda: anyio.to_thread.run_sync(work),
    "getaddrinfo": with_a_name_looked_up,
    "plain": plain,
}


async def answer(path: str) -> str:
    """Do the work when the test allows it. A failure becomes the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", CONTROL_PORT)
    writer.write(b"held\n")
    await reader.read()
    writer.close()
    try:
        return await WAYS[path.removeprefix("/")]()
    except Exception as error:
        return repr(error)


stopping = threading.Event()
# A thread for which a program waits, and which ends with the services.
threading.Thread(target=stopping.wait, daemon=False).start()


async def end(server: str) -> None:
    """The last action of a service."""
    stopping.set()
    ways = [await way() for way in WAYS.values()]
    print(server, *set(ways), flush=True)


def asgi_app(server: str) -> Callable[..., Awaitable[None]]:
    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await end(server)
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await answer(scope["path"])).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


async def uvicorn(port: int) -> None:
    await hosting.uvicorn(asgi_app("uvicorn"), port=port, log_level="critical")


async def hypercorn(port: int) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.graceful_timeout = 20
    config.errorlog = None
    cancelled = asyncio.Event()
    server = asyncio.create_task(
        serve(asgi_app("hypercorn"), config, shutdown_trigger=cancelled.wait)  # type: ignore[arg-type]
    )
    try:
        await asyncio.shield(server)
    finally:
        cancelled.set()
        await server


async def aiohttp(port: int) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=await answer(request.path))

    async def cleanup(_app: web.Application) -> None:
        await end("aiohttp")

    app = web.Application()
    app.add_routes([web.get("/{way}", handle)])
    app.on_cleanup.append(cleanup)
    await hosting.aiohttp(app, port=port)
