# SPDX-License-Identifier: Apache-2.0
"""What one uses otherwise to await something that blocks: the loop's executor, doing nothing."""

import asyncio

NAME = "run_in_executor"


def _nothing() -> None:
    pass


async def one(value: int) -> int:
    await asyncio.get_running_loop().run_in_executor(None, _nothing)
    return 2 * value
