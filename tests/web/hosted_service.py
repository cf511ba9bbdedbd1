# SPDX-License-Identifier: Apache-2.0
"""A service for `test_hosted_loop.py`. Erlang imports it by name."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import erlang
from erlang import hosting

stopped = threading.Event()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    stopped.set()


app = FastAPI(lifespan=lifespan)


@app.get("/double/{number}")
async def double(number: int) -> int:
    return int(await erlang.async_call("double_it", number))


@app.get("/loop")
async def loop_kind() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@app.get("/wait/{name}")
async def wait(name: str) -> str:
    return str(await erlang.async_call("wait_for", name))


@app.get("/crash")
async def crash() -> None:
    app.state.crash.set()


async def main(port: int) -> None:
    """Serve until the test orders a crash."""
    app.state.crash = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(hosting.uvicorn(app, port=port, log_level="critical"))
            await app.state.crash.wait()
            raise RuntimeError("crashed as asked")
    finally:
        del app.state.crash  # the event would keep the loop alive
