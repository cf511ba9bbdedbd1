# SPDX-License-Identifier: Apache-2.0
"""Use the running demo as its visitors do, and print the answers; exit with 0 or 1.

usage: check.py PORT        (of the FastAPI service; aiohttp is expected on the next one)
"""

import asyncio
import functools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import browser
import httpx
import websockets
from check_page import check_page

START_SECONDS = 60
STEP_SECONDS = 60


# Services of this machine are reached directly, whatever proxy the environment names.
connect = functools.partial(websockets.connect, proxy=None)


class Failed(Exception):
    """The demo did not work as expected."""


def expect(condition: bool, what: object) -> None:
    if not condition:
        raise Failed(str(what))


async def started(client: httpx.AsyncClient, chat: str) -> None:
    """Wait until both services answer."""
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            await client.get("/about")
            await client.get(f"{chat}/")
            return
        except httpx.TransportError:
            expect(time.monotonic() < last, f"no answer within {START_SECONDS} s")
            await asyncio.sleep(0.1)


async def about(client: httpx.AsyncClient) -> str:
    answer = await client.get("/about")
    expect(answer.status_code == 200, answer.text)
    return json.dumps(answer.json())


async def users(client: httpx.AsyncClient, route: str) -> str:
    found = await client.get(f"/{route}/1")
    expect(found.status_code == 200, found.text)
    user = found.json()
    expect(user["id"] == 1 and user["answered_by"].startswith("<"), user)
    unknown = await client.get(f"/{route}/99")
    expect(unknown.status_code == 404, unknown.text)
    wrong = await client.get(f"/{route}/abc")
    expect(wrong.status_code == 422, wrong.text)
    return f"{user['name']} by {user['answered_by']}; unknown 404, not a number 422"


async def fanout(client: httpx.AsyncClient) -> str:
    answer = await client.get("/fanout?n=1000")
    expect(answer.status_code == 200, answer.text)
    result = answer.json()
    expect(result["correct"] == result["n"] == 1000, result)
    expect((await client.get("/fanout?n=0")).status_code == 422, "n=0 was taken")
    return (
        f"{result['correct']} right answers of {result['processes']} processes "
        f"in {result['took_ms']} ms"
    )


async def slow(client: httpx.AsyncClient) -> str:
    in_time = await client.get("/slow?ms=50&timeout=10")
    expect(in_time.status_code == 200 and in_time.json()["slept_ms"] == 50, in_time.text)
    late = await client.get("/slow?ms=9000&timeout=0.1")
    expect(late.status_code == 504 and late.json()["error"] == "Timeout", late.text)
    return f"50 ms in time; 9 s within 0.1 s: 504 {late.json()['detail']}"


async def fail(client: httpx.AsyncClient) -> str:
    said = []
    for kind, error in (
        ("error", "Error"),
        ("throw", "Error"),
        ("exit", "Error"),
        ("kill", "Disconnected"),
        ("undefined", "UndefinedFunction"),
    ):
        answer = await client.get(f"/fail?kind={kind}")
        expect(answer.status_code == 502, f"{kind}: {answer.status_code} {answer.text}")
        expect(answer.json()["error"] == error, answer.text)
        said.append(f"\n    {kind}: {answer.json()['detail']}")
    again = await client.get("/user/1")
    expect(again.status_code == 200, again.text)
    return "502 each" + "".join(said)


async def websocket(url: str) -> str:
    async with connect(url) as socket:
        for text in ("never odd or even", "grüß Gott 👋🏽"):
            await socket.send(text)
            answer = json.loads(await socket.recv())
            expect(answer["text"] == text and answer["answered_by"].startswith("<"), answer)
    return f"{answer['reversed']!r} by {answer['answered_by']}"


async def chat(url: str) -> str:
    async def heard(socket: websockets.ClientConnection, what: str) -> Any:
        while what not in (event := json.loads(await socket.recv())):
            pass
        return event

    async with connect(url) as one, connect(url) as two:
        await heard(two, "joined")
        await one.send("hello room")
        answers = [await heard(socket, "from") for socket in (one, two)]
        expect(answers[0] == answers[1] and answers[0]["text"] == "hello room", answers)
    return f"{answers[0]['from']} said it, both heard it, processed by {answers[0]['answered_by']}"


async def live(client: httpx.AsyncClient, url: str) -> str:
    async with connect(url) as socket:
        expect("period" in json.loads(await socket.recv()), "no history first")
        await client.get("/fanout?n=1000")
        while True:
            sample = json.loads(await socket.recv())["samples"][0]
            if sample["calls_per_s"] > 0 and sample["p99_us"] is not None:
                break
    seen = ", ".join(f"{name} x{times}" for name, times in sample["seen"].items())
    expect(set(sample["seen"]) == {"Error", "Disconnected", "UndefinedFunction", "Timeout"}, seen)
    return (
        f"{sample['calls_per_s']} calls/s, median {sample['p50_us']} us, "
        f"99% {sample['p99_us']} us; the middleware saw {seen}"
    )


async def strangers(page: str, chat_url: str) -> str:
    """Pages of other hosts must not open these sockets."""
    for url in (f"{page}/ws", f"{page}/live", chat_url):
        try:
            async with connect(url, origin=websockets.Origin("https://example.org")):
                raise Failed(f"{url} was opened from another host's page")
        except websockets.InvalidStatus as refused:
            expect(refused.response.status_code == 403, refused)
    return "refused"


async def other_addresses(*ports: int) -> str:
    """The demo serves 127.0.0.1 only. A service on all addresses would answer here, too."""
    for port in ports:
        try:
            await asyncio.open_connection("127.0.0.2", port)
        except ConnectionRefusedError:
            continue
        raise Failed(f"port {port} is open on 127.0.0.2")
    return "refused"


async def main(port: int) -> int:
    http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    chat_http, chat_ws = f"http://127.0.0.1:{port + 1}", f"ws://127.0.0.1:{port + 1}/chat"
    failures = 0

    async def step(name: str, check: Callable[[], Awaitable[str]]) -> None:
        nonlocal failures
        try:
            async with asyncio.timeout(STEP_SECONDS):
                print(f"ok    {name}: {await check()}", flush=True)
        except Exception as problem:
            failures += 1
            print(f"FAIL  {name}: {type(problem).__name__}: {problem}", flush=True)

    async with httpx.AsyncClient(base_url=http, timeout=STEP_SECONDS, trust_env=False) as client:
        await started(client, chat_http)
        await step("GET /about", lambda: about(client))
        await step("GET /user/{id}", lambda: users(client, "user"))
        await step("GET /sync/{id}", lambda: users(client, "sync"))
        await step("GET /fanout", lambda: fanout(client))
        await step("GET /slow", lambda: slow(client))
        await step("GET /fail", lambda: fail(client))
        await step("WebSocket /ws", lambda: websocket(f"{ws}/ws"))
        await step("WebSocket /live", lambda: live(client, f"{ws}/live"))
        await step("aiohttp WebSocket /chat", lambda: chat(chat_ws))
        await step("other hosts' pages", lambda: strangers(ws, chat_ws))
        await step("other addresses", lambda: other_addresses(port, port + 1))
    if (chromium := browser.installed()) is not None:
        for width, height in ((1280, 900), (400, 800)):
            await step(
                f"the page, {width} pixels wide",
                lambda w=width, h=height: check_page(chromium, f"{http}/", w, h),  # type: ignore[misc]
            )
    else:
        print("skip  the page: no Chromium is installed")
    print("demo check: " + ("all is well" if failures == 0 else f"{failures} failed"))
    return 0 if failures == 0 else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]))))
