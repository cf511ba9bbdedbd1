# SPDX-License-Identifier: Apache-2.0
"""Servers for `test_hosted_servers.py`, each a main coroutine. Erlang imports them by name.

All of them answer `GET /double/N` and `GET /wait/NAME` through Erlang, and finish their requests
before they end.
"""

import asyncio
import contextlib

from aiohttp import web
from hosted_service import app
from hypercorn.asyncio import serve
from hypercorn.config import Config

import erlang
from erlang import hosting


async def uvicorn(port: int) -> None:
    await hosting.uvicorn(app, port=port, log_level="critical")


async def hypercorn(port: int) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.graceful_timeout = 10
    config.errorlog = None
    stopping = asyncio.Event()
    server = asyncio.create_task(
        serve(app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
    )
    try:
        await asyncio.shield(server)
    finally:
        stopping.set()
        await server


async def aiohttp(port: int) -> None:
    async def double(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        return web.json_response(await erlang.async_call("double_it", number))

    async def wait(request: web.Request) -> web.Response:
        return web.json_response(await erlang.async_call("wait_for", request.match_info["name"]))

    service = web.Application()
    service.add_routes([web.get("/double/{number}", double), web.get("/wait/{name}", wait)])
    await hosting.aiohttp(service, port=port)


async def plain(port: int) -> None:
    """A server that uses only `asyncio.start_server`."""
    busy: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            _, kind, value = head.split(b" ")[1].decode().split("/")
            if kind == "double":
                body = str(await erlang.async_call("double_it", int(value)))
            else:
                body = '"' + str(await erlang.async_call("wait_for", value)) + '"'
            lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close"]
            writer.write("\r\n".join([*lines, "", body]).encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a client that only checked whether the server listens
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()  # otherwise the loop's end would find the writer open

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(answer(reader, writer))
        busy.add(task)
        task.add_done_callback(busy.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        await asyncio.get_running_loop().create_future()  # never resolved: waits until cancelled
    finally:
        server.close()
        await asyncio.gather(*busy)
