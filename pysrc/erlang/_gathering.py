# SPDX-License-Identifier: Apache-2.0
"""What runs for ``py:async_call`` and ``py:async_gather`` in the default loop."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

from erlang._containment import contained
from erlang._context import resolve

# Module, function, arguments and keyword arguments.
Call = tuple[str, str, list[Any], dict[str, Any]]


async def run_any(module: str, function: str, args: list[Any], kwargs: dict[str, Any]) -> object:
    """The value of a coroutine function, or of a plain function, which is called at once."""
    value = resolve(module, function)(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value


async def gather(calls: Sequence[Call]) -> list[object]:
    """Their values in order, all run concurrently; the first exception cancels the others."""
    tasks = [asyncio.ensure_future(contained(run_any(*call))) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
