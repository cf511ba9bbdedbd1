# SPDX-License-Identifier: Apache-2.0
"""Requests over connections that stay open: ``http_client.py PORT VARIANT ROUNDS REQUESTS``.

Call the service of ``workloads/web_route.py``, check each answer, and print the record.
"""

import asyncio
import json
import sys
import time
from functools import partial
from typing import cast

from workloads.rounds import Round, Side, compare, runner

CONNECTIONS = 16
BODY = b'{"value":42}'


class Connection(asyncio.Protocol):
    """Send the same request again when its answer is complete; no pipelining."""

    def __init__(self, path: str, requests: int) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self.left = requests
        self.durations: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self) -> None:
        self.answer = b""
        self.start = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, blank, body = self.answer.partition(b"\r\n\r\n")
        if not blank or len(body) < len(BODY):
            return
        self.durations.append((time.perf_counter() - self.start) * 1e6)
        if body != BODY or not head.startswith(b"HTTP/1.1 200 "):
            self.finished.set_exception(AssertionError(self.answer))
            self.transport.close()
            return
        self.left -= 1
        if self.left > 0:
            self.send()
        else:
            self.finished.set_result(None)
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("closed early"))


async def ask(port: int, path: str, requests: int) -> Round:
    loop = asyncio.get_running_loop()
    each = requests // CONNECTIONS
    connections = [
        (await loop.create_connection(partial(Connection, path, each), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    start = time.perf_counter()
    for connection in connections:
        connection.send()
    await asyncio.gather(*[connection.finished for connection in connections])
    took = time.perf_counter() - start
    durations = [each for connection in connections for each in connection.durations]
    return Round(len(durations) / took, durations)


def main() -> None:
    port, variant, rounds, requests = sys.argv[1:]
    with runner("uvloop") as loop:

        def side(path: str) -> Side:
            return Side(path, lambda: loop.run(ask(int(port), path, int(requests))))

        record = compare("web_route", variant, side("/erlang"), side("/constant"), int(rounds), max)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
