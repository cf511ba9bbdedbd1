# SPDX-License-Identifier: Apache-2.0
"""Drives a headless Chromium by the DevTools protocol over its WebSocket."""

import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import websockets

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 30
REPLY_SECONDS = 30
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def installed() -> str | None:
    """The path of a Chromium, or None when none is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab. ``problems`` collects the errors of its console and scripts."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.problems: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def send(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(REPLY_SECONDS):
            return await reply

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression. If it is a promise, the page awaits the promise."""
        reply = await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in reply:
            raise RuntimeError(f"{script}: {reply['exceptionDetails']}")
        return reply["result"].get("value")

    async def wait_for(self, script: str, seconds: float = 10) -> Any:
        """Wait until the expression is truthy; it is evaluated in each of the page's frames."""
        waiting = (
            "new Promise((found, failed) => { const last = performance.now() + %d;"
            " (function look() { const value = (%s); if (value) found(value);"
            " else if (performance.now() > last) failed(new Error('waited in vain'));"
            " else setTimeout(look, 16); })() })"
        )
        return await self.run(waiting % (seconds * 1000, script))

    async def show(self, url: str, width: int, height: int) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self._loaded.clear()
        await self.send("Page.navigate", url=url)
        async with asyncio.timeout(REPLY_SECONDS):
            await self._loaded.wait()

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in self._socket:
                self._take(json.loads(text))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            reply = self._replies.pop(message["id"])
            if reply.done():
                return
            if "error" in message:
                reply.set_exception(RuntimeError(str(message["error"])))
            else:
                reply.set_result(message["result"])
        elif message["method"] == "Page.loadEventFired":
            self._loaded.set()
        elif message["method"] == "Runtime.exceptionThrown":
            self.problems.append(str(message["params"]["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded":
            entry = message["params"]["entry"]
            # The check provokes answers of 404, 422 and 502, and Chromium logs them.
            if entry["level"] == "error" and entry["source"] != "network":
                self.problems.append(entry["text"])


@contextlib.asynccontextmanager
async def opened(chromium: str) -> AsyncIterator[Page]:
    """A tab of a separate Chromium, which ends with the tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *OPTIONS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        draining = None
        try:
            url = await tab_url(process)
            draining = asyncio.create_task(drain(process))
            async with websockets.connect(url, max_size=None, proxy=None) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await page.send(f"{domain}.enable")
                yield page
        finally:
            if draining is not None:
                draining.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def drain(process: asyncio.subprocess.Process) -> None:
    """Read on: a full pipe would stop Chromium."""
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass


async def tab_url(process: asyncio.subprocess.Process) -> str:
    """Chromium prints its address on stderr; this address lists the page's own socket."""
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(START_SECONDS):
        while not said.startswith(b"DevTools listening on "):
            said = await process.stderr.readline()
            if not said:
                raise RuntimeError("Chromium ended before it listened")
    port = said.decode().split("ws://")[1].split("/")[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        tabs = (await client.get(f"http://{port}/json/list")).json()
    url: str = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return url
