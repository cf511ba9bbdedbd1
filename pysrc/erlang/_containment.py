# SPDX-License-Identifier: Apache-2.0
"""Keeps exceptions that end a program from ending a loop with tasks of others."""

from collections.abc import Awaitable, Callable
from typing import Any


class Contained(Exception):
    """Carries a SystemExit or KeyboardInterrupt out of a task.

    asyncio would let these two exceptions end the whole loop, with all coroutines in it.
    """

    def __init__(self, content: BaseException) -> None:
        super().__init__(content)
        self.content = content


async def contained(function: Callable[..., Awaitable[object]], *arguments: Any) -> object:
    """Awaits ``function(*arguments)``; raises what would end the loop as `Contained`.

    The function is called here. A task that is cancelled before its first step has no coroutine
    then that was never awaited.
    """
    try:
        return await function(*arguments)
    except (SystemExit, KeyboardInterrupt) as ending:
        raise Contained(ending) from None
