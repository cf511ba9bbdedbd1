# SPDX-License-Identifier: Apache-2.0
"""The floor below gathered calls: futures that one callback of the loop resolves."""

import asyncio

NAME = "bare futures"


async def gather(values: range) -> list[int]:
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[int]] = [loop.create_future() for _ in values]

    def resolve() -> None:
        for value, future in zip(values, futures, strict=True):
            future.set_result(2 * value)

    loop.call_soon(resolve)
    return await asyncio.gather(*futures)
