# SPDX-License-Identifier: Apache-2.0
"""The Python functions that the soak test's Erlang side calls. Each notes its execution."""

import asyncio
import time
from collections.abc import Iterator
from typing import NoReturn

from ledger import Ending, Ledger

import erlang

CAPACITY = 1 << 20
INNER = "nested_inner"

# By the tokens of Erlang's calls; only the call with the token writes the entry.
executed = bytearray(CAPACITY)

# The ledger of Python's own calls, for the calls that these functions make.
_ledger: Ledger | None = None


def use(ledger: Ledger) -> None:
    global _ledger
    _ledger = ledger


def take(count: int) -> bytes:
    """Return the number of executions of each of Erlang's first `count` calls; then count from
    zero.
    """
    taken = bytes(executed[:count])
    executed[:count] = bytes(count)
    return taken


def mark(token: int) -> None:
    executed[token] = min(executed[token] + 1, 255)


def echo(token: int, value: object) -> tuple[int, object]:
    mark(token)
    return token, value


async def echo_soon(token: int, value: object) -> tuple[int, object]:
    mark(token)
    return token, value


async def echo_late(token: int, value: object) -> tuple[int, object]:
    mark(token)
    await asyncio.sleep(0.002)
    return token, value


def fail(token: int) -> NoReturn:
    mark(token)
    raise ValueError(token)


def never_end(token: int) -> NoReturn:
    """Run until interrupted."""
    mark(token)
    while True:
        time.sleep(0.001)


def count_up(token: int, count: int) -> Iterator[int]:
    mark(token)
    yield from range(token, token + count)


def nested(token: int, depth: int) -> list[int]:
    """Erlang waits for this function, which calls Erlang, which calls this function again, and so
    on.
    """
    mark(token)
    assert _ledger is not None
    if depth:
        inner = _ledger.begin(INNER)
        result = erlang.call("soak_nested", inner, depth - 1)
        if result == [inner, depth - 1]:
            _ledger.end(INNER, inner, Ending.VALUE)
        else:
            _ledger.end_wrong(INNER, inner, result)
    return [token, depth]


async def wait_for_ever(token: int) -> None:
    """Wait until cancelled."""
    mark(token)
    await asyncio.get_running_loop().create_future()


async def serve_briefly() -> None:
    """The main coroutine of a hosted loop that ends at once and is restarted each time."""
    await asyncio.sleep(0.02)


async def serve() -> None:
    """The main coroutine of a hosted loop: works a little until cancelled."""
    while not await asyncio.sleep(0.001, result=False):
        pass
