# SPDX-License-Identifier: Apache-2.0
"""What is meant to end a program, kept from ending the loop that others share."""

from collections.abc import Awaitable


class Contained(Exception):
    """A SystemExit or KeyboardInterrupt on its way out of a task.

    asyncio lets these two, as they are, end the whole loop with everybody's coroutines.
    """

    def __init__(self, content: BaseException) -> None:
        super().__init__(content)
        self.content = content


async def contained(value: Awaitable[object]) -> object:
    """Awaits ``value``; what would end the loop is raised as `Contained`."""
    try:
        return await value
    except (SystemExit, KeyboardInterrupt) as ending:
        raise Contained(ending) from None
