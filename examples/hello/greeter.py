# SPDX-License-Identifier: Apache-2.0
"""A web service. Its route awaits an Erlang function; Erlang calls ``greeting``."""

from fastapi import FastAPI

import erlang

app = FastAPI()


@app.get("/hello/{name}")
async def hello(name: str) -> dict[str, str | int]:
    visits = await erlang.async_call("visit", name, timeout=1)
    return {"text": greeting(name), "visits": visits}


def greeting(name: str) -> str:
    return f"Hello, {name}!"
