# SPDX-License-Identifier: Apache-2.0
"""Calls a second and their latency, measured once and pushed to every open page."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.websockets import WebSocket

import erlang

PERIOD = 0.5  # seconds
HISTORY = 120  # samples: the last minute


class LiveFeed:
    """One reader of the bridge's counters for any number of listening pages.

    Args:
        more: Returns further entries for each sample.
    """

    def __init__(self, more: Callable[[], Mapping[str, Any]]) -> None:
        self._more = more
        self._recent: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._listeners: set[asyncio.Queue[dict[str, Any]]] = set()

    async def sample(self) -> None:
        """Measure for ever. Each sample covers the time since the sample before."""
        before, then = erlang.stats(), time.perf_counter()
        while True:
            await asyncio.sleep(PERIOD)
            after, now = erlang.stats(), time.perf_counter()
            sample = {"at": time.time(), **difference(before, after, now - then), **self._more()}
            before, then = after, now
            self._recent.append(sample)
            for listener in self._listeners:
                if not listener.full():  # a page that does not read misses samples and nothing else
                    listener.put_nowait(sample)

    async def serve(self, socket: WebSocket) -> None:
        """Push to one page until the page leaves."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=HISTORY)
        self._listeners.add(queue)
        pushing = asyncio.create_task(self._push(socket, queue))
        try:
            # Pages send nothing here. Reading notices that a page leaves.
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self._listeners.discard(queue)
            pushing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await pushing  # a failed push into a closed socket needs no handling

    async def _push(self, socket: WebSocket, queue: asyncio.Queue[dict[str, Any]]) -> None:
        await socket.send_json({"period": PERIOD, "samples": list(self._recent)})
        while True:
            await socket.send_json({"samples": [await queue.get()]})


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """The counters' changes between two readings."""
    counts = [new - old for old, new in zip(before["histogram"], after["histogram"], strict=True)]
    return {
        "calls_per_s": round((after["calls"] - before["calls"]) / seconds, 1),
        "p50_us": percentile(counts, 0.50),
        "p99_us": percentile(counts, 0.99),
        "in_flight": after["in_flight"],
        "calls": after["calls"],
    }


def percentile(counts: Sequence[int], fraction: float) -> float | None:
    """Microseconds within which this fraction of the calls ended; None without calls.

    Bucket i holds the calls that took less than 2**i microseconds, and at least half of that.
    Within a bucket, calls count as spread evenly.
    """
    wanted = fraction * sum(counts)
    if not wanted:
        return None
    below = 0
    for exponent, count in enumerate(counts):
        if count and below + count >= wanted:
            high = 1 << exponent
            low = high >> 1
            return round(low + (high - low) * (wanted - below) / count, 1)
        below += count
    return None
