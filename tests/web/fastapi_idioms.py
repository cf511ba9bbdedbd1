# SPDX-License-Identifier: Apache-2.0
"""A FastAPI service for `test_fastapi_idioms.py` that uses the framework as its guide teaches.

Each idiom calls Erlang. Erlang keeps the events in order under the service's name.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

import erlang
from erlang import hosting

STORY = "fastapi idioms"


async def note(event: str) -> None:
    await erlang.async_call("note", STORY, event)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    await note("lifespan begins")
    yield {"factor": await erlang.async_call("double_it", 5)}
    await note("lifespan ends")


async def connection() -> AsyncIterator[str]:
    """A dependency whose clean-up awaits, after a success and after a failure of the route."""
    name = str(await erlang.async_call("process_message", "connection"))
    try:
        yield name
    except erlang.Error as error:
        await note(f"rolled back: {error.reason}")
        raise
    finally:
        await note("connection closed")


def cursor(connection: Annotated[str, Depends(connection)]) -> Iterator[str]:
    """A plain dependency on the other dependency. It runs on the thread pool."""
    name = erlang.call("process_message", f"{connection} cursor")
    yield name
    erlang.call("note", STORY, "cursor closed")


async def current_user(request: Request) -> dict[str, object]:
    found = await erlang.async_call("get_user", int(request.headers["x-user"]))
    if found is None:
        raise HTTPException(401)
    return dict(found)


Connection = Annotated[str, Depends(connection)]
Cursor = Annotated[str, Depends(cursor)]
User = Annotated[dict[str, object], Depends(current_user)]

router = APIRouter()


@router.get("/double/{number}")
async def double(number: int) -> int:
    return int(await erlang.async_call("double_it", number))


@router.get("/factor")
async def factor(request: Request) -> int:
    return int(request.state.factor)


@router.get("/cursor")
async def use_cursor(cursor: Cursor) -> str:
    await note("cursor used")
    return cursor


@router.get("/fail")
async def fail(connection: Connection) -> None:
    await erlang.async_call("fail_with", erlang.Atom("refused"))


@router.get("/me")
def me(user: User) -> str:
    return str(user["name"])


@router.get("/pool/{number}")
async def pool(number: int) -> int:
    return int(await run_in_threadpool(erlang.call, "double_it", number))


@router.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    async def coroutine(text: str) -> None:
        await note(f"{text} {await erlang.async_call('double_it', 1)}")

    def plain(text: str) -> None:
        erlang.call("note", STORY, f"{text} {erlang.call('double_it', 2)}")

    tasks.add_task(coroutine, "coroutine")
    tasks.add_task(plain, "plain")
    return "accepted"


@router.get("/stream/{kind}")
async def stream(kind: str) -> StreamingResponse:
    async def asynchronous() -> AsyncIterator[str]:
        try:
            for number in range(20):
                yield f"{await erlang.async_call('double_it', number)}\n"
        finally:
            await note("stream ends")

    def plain() -> Iterator[str]:
        for number in range(20):
            yield f"{erlang.call('double_it', number)}\n"

    return StreamingResponse(asynchronous() if kind == "async" else plain())


@router.get("/endless/{name}")
async def endless(name: str) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        yield "first\n"
        yield str(await erlang.async_call("wait_for", name))

    return StreamingResponse(lines())


@router.websocket("/ws")
async def talk(websocket: WebSocket, connection: Connection) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(
            f"{connection}: {await erlang.async_call('process_message', text)}"
        )


async def main(port: int) -> None:
    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    await hosting.uvicorn(app, port=port, log_level="critical")
