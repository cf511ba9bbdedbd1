# SPDX-License-Identifier: Apache-2.0
"""The scenarios at the start of the project, as its first users wrote them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

import erlang

pytestmark = pytest.mark.channel


def test_double_it_in_a_thread() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(erlang.call("double_it", 21)))
    thread.start()
    thread.join()
    assert results == [42]


def test_double_it_in_a_pool_of_four() -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = [pool.submit(erlang.call, "double_it", n) for n in range(10)]
        assert [future.result() for future in futures] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]


def test_add_one_three_times_in_one_thread() -> None:
    results: list[int] = []

    def work() -> None:
        value = 0
        for _ in range(3):
            value = erlang.call("add_one", value)
        results.append(value)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [3]


def test_ten_threads_at_once() -> None:
    barrier = threading.Barrier(10)
    results: dict[int, int] = {}

    def work(number: int) -> None:
        barrier.wait()
        results[number] = erlang.call("double_it", number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number * 2 for number in range(10)}


def test_maybe_fail() -> None:
    assert erlang.call("maybe_fail", 10) == 10
    with pytest.raises(RuntimeError, match=r"too_large.*11"):
        erlang.call("maybe_fail", 11)


async def test_maybe_fail_awaited() -> None:
    assert await erlang.async_call("maybe_fail", 10) == 10
    with pytest.raises(RuntimeError, match=r"too_large.*11"):
        await erlang.async_call("maybe_fail", 11)


async def test_gather_of_three() -> None:
    calls = (erlang.async_call("double_it", n) for n in (10, 20, 30))
    assert await asyncio.gather(*calls) == [20, 40, 60]


async def test_routes_of_a_fastapi_application() -> None:
    app = FastAPI()
    seen: list[BaseException] = []

    @app.middleware("http")
    async def catch_all(request: Request, call_next: Callable[[Request], Any]) -> Response:
        try:
            response = await call_next(request)
        except BaseException as error:
            seen.append(error)
            raise
        assert isinstance(response, Response)
        return response

    @app.get("/double/{number}")
    async def double(number: int) -> dict[str, Any]:
        return {"result": await erlang.async_call("double_it", number)}

    @app.get("/sync/{number}")
    def sync(number: int) -> dict[str, Any]:
        return {"result": erlang.call("double_it", number)}

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for route in ("double", "sync"):
            answers = await asyncio.gather(*(client.get(f"/{route}/{n}") for n in range(20)))
            assert [answer.json() for answer in answers] == [{"result": 2 * n} for n in range(20)]
    assert seen == []
