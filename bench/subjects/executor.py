# SPDX-License-Identifier: Apache-2.0
"""The usual way to await blocking code: the loop's executor, with nothing to do."""

import asyncio

NAME = "run_in_executor"


def _nothing() -> None:
    pass


async def one(value: int) -> int:
    await asyncio.get_running_loop().run_in_executor(None, _nothing)
    return 2 * value
