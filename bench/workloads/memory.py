# SPDX-License-Identifier: Apache-2.0
"""Memory for a call in flight, beyond the future and the Erlang process that any call needs.

The memory for many calls that hang in Erlang, minus the memory for the same number of bare futures
and idle Erlang processes. The futures and processes are made just before, and stay alive meanwhile.
"""

import asyncio
import ctypes
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import erlang
from workloads.rounds import Record, runner

DEADLINE = 60.0  # seconds until all processes have started, or ended


class Mallinfo2(ctypes.Structure):
    """What glibc reports of its heap, in bytes. Only two of these fields are used."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def allocated() -> int:
    """Bytes in use by malloc: the native library's memory, and little else."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo2
    info = mallinfo2()
    total: int = info.uordblks + info.hblkhd
    return total


def resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def until(reached: Callable[[int], bool]) -> None:
    """Wait until the number of Erlang processes fulfils the condition."""
    deadline = time.monotonic() + DEADLINE
    while not reached(await erlang.async_call("process_count")):
        assert time.monotonic() < deadline, "processes do not come or go"
        await asyncio.sleep(0.05)


async def measure(variant: str, calls: int) -> Record:
    loop = asyncio.get_running_loop()
    processes = await erlang.async_call("process_count")
    futures: list[asyncio.Future[None] | None] = [None] * calls
    held: list[asyncio.Future[None] | None] = [None] * calls
    gc.collect()

    start = resident()
    for number in range(calls):
        futures[number] = loop.create_future()
    idle = await erlang.async_call("spawn_idle", calls)
    await until(lambda count: count >= processes + calls)
    gc.collect()
    floor = resident()
    native = allocated()
    for number in range(calls):
        held[number] = erlang.async_call("hold")
    await until(lambda count: count >= processes + 2 * calls)
    gc.collect()
    native = allocated() - native
    grown = resident() - floor

    for call in held:
        assert call is not None
        assert not call.done()
        call.cancel()
    await until(lambda count: count < processes + calls + 10)
    await erlang.async_call("stop_idle", idle)
    await until(lambda count: count < processes + 10)
    return {
        "figure": "memory",
        "variant": variant,
        "value": (grown - (floor - start)) / calls,
        "calls": calls,
        "resident_each": grown / calls,
        "floor_each": (floor - start) / calls,
        "malloc_each": native / calls,
    }


def run(variant: str, quick: bool) -> list[Record]:
    with runner(variant) as loop:
        return [loop.run(measure(variant, 2_000 if quick else 100_000))]
