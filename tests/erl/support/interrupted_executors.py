# SPDX-License-Identifier: Apache-2.0
"""Functions with loops that wait for threads of their executor."""

import asyncio
import time

import uvloop

import erlang


def sleep_on() -> None:
    while True:
        time.sleep(0.001)


async def threads() -> None:
    while True:
        await asyncio.gather(*(asyncio.to_thread(abs, -1) for _ in range(3)))


def asyncio_threads() -> None:
    asyncio.run(threads())


async def calling_threads() -> None:
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(asyncio.to_thread(erlang.call, "hang")) for _ in range(3)]
    await asyncio.wait([*tasks, loop.run_in_executor(None, erlang.call, "hang")])


def asyncio_calling_threads() -> None:
    asyncio.run(calling_threads())


def asyncio_spinning_threads() -> None:
    asyncio.run(asyncio.wait_for(asyncio.to_thread(sleep_on), None))


def uvloop_calling_threads() -> None:
    uvloop.run(calling_threads())
