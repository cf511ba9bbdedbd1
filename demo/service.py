# SPDX-License-Identifier: Apache-2.0
"""The demo's web service: FastAPI on uvicorn and uvloop, hosted by ``demo_sup`` in an Erlang node.

Every route calls an Erlang function of ``demo_functions.erl``. The answer names the process that
ran the function; the ``Server-Timing`` header has the duration of the call.
"""

import asyncio
import platform
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Response, WebSocket, WebSocketDisconnect
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from live import LiveFeed
from origin import from_this_host
from pydantic import BaseModel, BeforeValidator
from witness import Witness

import erlang

STATIC = Path(__file__).with_name("static")
MAX_MESSAGE = 2000  # characters

Process = Annotated[str, BeforeValidator(str)]  # an erlang.Pid, as Erlang prints it
UserId = Annotated[int, InPath(ge=0, le=10**9)]


class User(BaseModel):
    """A row of the Erlang node's ETS table."""

    id: int
    name: str
    role: str
    born: int
    visits: int
    answered_by: Process


class Fanout(BaseModel):
    """The outcome of ``n`` concurrent calls."""

    n: int
    correct: int
    processes: int
    took_ms: float
    each_us: float
    answered_by: Process


class Slept(BaseModel):
    slept_ms: int
    answered_by: Process


witness = Witness()
feed = LiveFeed(lambda: {"seen": dict(witness.seen)})


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    sampling = asyncio.create_task(feed.sample())
    try:
        yield
    finally:
        sampling.cancel()


# The interactive docs would load scripts from another host.
app = FastAPI(title="erlang_python demo", lifespan=lifespan, docs_url=None, redoc_url=None)
app.add_middleware(witness.around)
app.mount("/static", StaticFiles(directory=STATIC), name="static")


def timed(response: Response, started: float) -> None:
    """Put the duration of the Erlang call into the response; browsers show it and scripts can read
    it.
    """
    took_ms = (time.perf_counter() - started) * 1000
    response.headers["Server-Timing"] = f"erlang;dur={took_ms:.3f}"


def user_or_404(user_id: int, found: dict[str, Any] | None) -> User:
    if found is None:
        raise HTTPException(404, f"the Erlang node knows no user {user_id}")
    return User.model_validate(found)


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


@app.get("/user/{user_id}")
async def user(user_id: UserId, response: Response) -> User:
    """Suspend only this task; the loop serves others meanwhile."""
    started = time.perf_counter()
    found = await erlang.async_call("get_user", user_id)
    timed(response, started)
    return user_or_404(user_id, found)


@app.get("/sync/{user_id}")
def sync_user(user_id: UserId, response: Response) -> User:
    """Run as a plain function: on Starlette's thread pool, where the call may block."""
    started = time.perf_counter()
    found = erlang.call("get_user", user_id)
    timed(response, started)
    return user_or_404(user_id, found)


@app.get("/fanout")
async def fanout(response: Response, n: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> Fanout:
    """Make ``n`` calls at once; a separate Erlang process answers each call."""
    started = time.perf_counter()
    answers = await asyncio.gather(*(erlang.async_call("square", i) for i in range(n)))
    took = time.perf_counter() - started
    timed(response, started)
    return Fanout(
        n=n,
        correct=sum(square == i * i for i, (square, _) in enumerate(answers)),
        processes=len({process for _, process in answers}),
        took_ms=round(took * 1000, 3),
        each_us=round(took * 1e6 / n, 2),
        answered_by=answers[-1][1],
    )


@app.get("/slow")
async def slow(
    response: Response,
    ms: Annotated[int, Query(ge=0, le=10_000)] = 300,
    timeout: Annotated[float | None, Query(gt=0, le=10)] = None,
) -> Slept:
    """Sleep in Erlang. Beyond ``timeout`` seconds the process is stopped and the answer is 504."""
    started = time.perf_counter()
    slept = await erlang.async_call("slow", ms, timeout=timeout)
    timed(response, started)
    return Slept.model_validate(slept)


@app.get("/fail")
async def fail(
    kind: Literal["error", "throw", "exit", "kill", "undefined"] = "error",
) -> dict[str, str]:
    """Fail in Erlang in one of several ways; ``witness.py`` turns the failure into a 502."""
    await erlang.async_call("no_such_function" if kind == "undefined" else "fail_when", kind)
    return {"unexpected": "the Erlang function did not fail"}


@app.get("/about")
async def about() -> dict[str, Any]:
    """The software that runs here, for the page's head line."""
    node = await erlang.async_call("node_info")
    return {
        **node,
        "answered_by": str(node["answered_by"]),
        "python": platform.python_version(),
        "loop": type(asyncio.get_running_loop()).__module__.partition(".")[0],
        **{name: version(name) for name in ("fastapi", "uvicorn", "uvloop", "aiohttp")},
    }


@app.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    """Send each message to Erlang's message processor and return it processed."""
    if not from_this_host(socket.headers):
        await socket.close(1008)
        return
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > MAX_MESSAGE:
                await socket.send_json({"error": f"at most {MAX_MESSAGE} characters"})
                continue
            started = time.perf_counter()
            message = await erlang.async_call("process_message", text)
            took_us = round((time.perf_counter() - started) * 1e6)
            answered_by = str(message["answered_by"])
            await socket.send_json({**message, "answered_by": answered_by, "took_us": took_us})
    except WebSocketDisconnect:
        pass


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Push the calls a second and their latency, twice a second; the last minute comes first."""
    if not from_this_host(socket.headers):
        await socket.close(1008)
        return
    await socket.accept()
    await feed.serve(socket)
