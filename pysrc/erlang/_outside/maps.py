# SPDX-License-Identifier: Apache-2.0
"""One function for many items. Outside of a node, each item is a call of its own."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from erlang._call import Call
from erlang._errors import UndefinedFunction, name_item
from erlang._outside import task_calls
from erlang._outside.arguments import Arguments
from erlang._outside.nodes import Node


def start(
    node: Node, call: Arguments, items: Iterable[Any], concurrency: object
) -> Call[list[Any]]:
    """Starts the map on the running loop. An item is the tuple of the arguments of its call.

    Raises:
        TypeError: ``concurrency`` is no number of items.
        ValueError: ``concurrency`` is less than 1.
    """
    calls = [call._replace(args=item, timeout=None) for item in items]
    lanes = len(calls) if concurrency is None else min(_number(concurrency), len(calls))
    return task_calls.start(_results(node, calls, lanes), call.name, call.timeout)


def argument_tuples(items: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The items of a starmap.

    Raises:
        TypeError: An item is no iterable.
    """
    return [_arguments(place, item) for place, item in enumerate(items)]


async def _results(node: Node, calls: Sequence[Arguments], lanes: int) -> list[Any]:
    results: list[Any] = [None] * len(calls)
    waiting = iter(enumerate(calls))
    tasks = [asyncio.ensure_future(_lane(node, waiting, results)) for _ in range(lanes)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return results


async def _lane(node: Node, waiting: Iterator[tuple[int, Arguments]], results: list[Any]) -> None:
    """One call after the other. Several lanes take the calls that wait in turns."""
    for place, call in waiting:
        try:
            results[place] = await node.start(call)
        except UndefinedFunction:
            raise
        except Exception as error:
            name_item(error, place)
            raise


def _arguments(place: int, item: Any) -> tuple[Any, ...]:
    try:
        iterator = iter(item)
    except TypeError:
        raise TypeError(
            f"args[{place}]: an item of starmap must be an iterable of arguments, "
            f"not {type(item).__name__}; for one argument each, use map"
        ) from None
    return tuple(iterator)


def _number(concurrency: Any) -> int:
    if isinstance(concurrency, bool) or not hasattr(type(concurrency), "__index__"):
        kind = type(concurrency).__name__
        raise TypeError(f"concurrency must be a number of items or None, not {kind}")
    number = concurrency.__index__()
    if number < 1:
        raise ValueError("concurrency must be at least 1, or None to run all items at once")
    return int(number)
