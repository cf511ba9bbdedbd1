# SPDX-License-Identifier: Apache-2.0
"""A FastAPI route that awaits one call, against the same route returning a constant.

uvicorn in this node serves the route. The client measures in a separate process outside of the
node. The cost is requests a second.
"""

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path

from fastapi import FastAPI

import erlang
import erlang.hosting
from workloads.rounds import Record, runner

CLIENT = Path(__file__).resolve().parents[1] / "http_client.py"

app = FastAPI()


@app.get("/constant")
async def constant() -> dict[str, int]:
    return {"value": 42}


@app.get("/erlang")
async def call() -> dict[str, int]:
    return {"value": await erlang.async_call("double_it", 21)}


async def serve_and_measure(arguments: list[str]) -> Record:
    # asyncio turns off Nagle's delays only for sockets that name their protocol.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = str(server.getsockname()[1])
        serving = asyncio.create_task(
            erlang.hosting.uvicorn(app, sockets=[server], lifespan="off", log_level="warning")
        )
        try:
            client = await asyncio.create_subprocess_exec(
                sys.executable, str(CLIENT), address, *arguments, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await client.communicate()
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
    assert client.returncode == 0, "the client failed"
    record: Record = json.loads(output)
    return record


def run(variant: str, quick: bool) -> list[Record]:
    rounds, requests = (2, 48) if quick else (12, 960)
    with runner(variant) as loop:
        return [loop.run(serve_and_measure([variant, str(rounds), str(requests)]))]
