# SPDX-License-Identifier: Apache-2.0
"""A chat room by aiohttp on plain asyncio: a second framework and loop in the same Erlang node.

Every message passes through Erlang's message processor on its way to all members.
"""

import asyncio
import itertools
import json
import time
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from origin import from_this_host

import erlang

MAX_MESSAGE = 2000  # characters


class Room:
    """The members of the room, and the events that they receive."""

    def __init__(self) -> None:
        self.members: dict[str, web.WebSocketResponse] = {}
        self._numbers = itertools.count(1)

    async def enter(self, socket: web.WebSocketResponse) -> str:
        name = f"guest {next(self._numbers)}"
        self.members[name] = socket
        await socket.send_json({"you": name})
        await self.tell({"joined": name, "here": len(self.members)})
        return name

    async def leave(self, name: str) -> None:
        del self.members[name]
        await self.tell({"left": name, "here": len(self.members)})

    async def tell(self, event: dict[str, Any]) -> None:
        text = json.dumps(event)
        # A member who has just left is not an error for the other members.
        sending = (socket.send_str(text) for socket in list(self.members.values()))
        await asyncio.gather(*sending, return_exceptions=True)

    async def close(self, _app: web.Application) -> None:
        closing = (
            socket.close(code=WSCloseCode.GOING_AWAY, message=b"the room closes")
            for socket in list(self.members.values())
        )
        await asyncio.gather(*closing, return_exceptions=True)


ROOM = web.AppKey("room", Room)


def make_app() -> web.Application:
    app = web.Application()
    app[ROOM] = Room()
    app.router.add_get("/", about)
    app.router.add_get("/chat", chat)
    app.on_shutdown.append(app[ROOM].close)
    return app


async def about(request: web.Request) -> web.Response:
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return web.json_response({"here": len(request.app[ROOM].members), "loop": loop})


async def chat(request: web.Request) -> web.WebSocketResponse:
    if not from_this_host(request.headers):
        raise web.HTTPForbidden(text="this chat is for pages of its own host")
    socket = web.WebSocketResponse(heartbeat=20, max_msg_size=64 * 1024)
    await socket.prepare(request)
    room = request.app[ROOM]
    name = await room.enter(socket)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                answer = await processed(message.data)
                if "error" in answer:
                    await socket.send_json(answer)
                else:
                    await room.tell({"from": name, **answer})
    finally:
        await room.leave(name)
    return socket


async def processed(text: str) -> dict[str, Any]:
    if len(text) > MAX_MESSAGE:
        return {"error": f"at most {MAX_MESSAGE} characters"}
    started = time.perf_counter()
    try:
        message = await erlang.async_call("process_message", text, timeout=5)
    except erlang.Error as failure:
        return {"error": str(failure)}
    took_us = round((time.perf_counter() - started) * 1e6)
    return {**message, "answered_by": str(message["answered_by"]), "took_us": took_us}
