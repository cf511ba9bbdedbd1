# SPDX-License-Identifier: Apache-2.0
"""Iterators for ``py:stream`` and ``py:stream_eval``, in batches.

A batch ends when it has taken a while, so that Erlang sees that the iterator is alive. Iterators
never change threads: all batches of one are asked for on the same thread, and run in one context.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import monotonic

# After which a batch is complete, however little is in it.
BATCH_SECONDS = 1.0


@dataclass
class _Stream:
    iterator: Iterator[object] | None
    # With the variables that were there when the stream began, and those that it sets.
    context: Context


class _Thread(threading.local):
    def __init__(self) -> None:
        self.streams: dict[int, _Stream] = {}


_thread = _Thread()
_numbers = itertools.count(1)

# Items, and after them the iterator's number while there may be more of them, else None. One flat
# list, so that an item that has no Erlang value is named by its place in the batch: result[17].
Batch = list[object]


def begin(iterable: Iterable[object]) -> Batch:
    """The first items of ``iterable``."""
    context = copy_context()
    return _batch(next(_numbers), _Stream(context.run(iter, iterable), context))


def more(number: int) -> Batch:
    """The next items of an iterator."""
    return _batch(number, _thread.streams.pop(number))


def forget_all() -> None:
    """Nobody asks for more on this thread."""
    while _thread.streams:
        _, stream = _thread.streams.popitem()
        # A generator that ends cleans up, in its own context as well.
        stream.context.run(setattr, stream, "iterator", None)


def _batch(number: int, stream: _Stream) -> Batch:
    items, complete = stream.context.run(_take, stream)
    if complete:
        items.append(None)
    else:
        _thread.streams[number] = stream
        items.append(number)
    return items


def _take(stream: _Stream) -> tuple[Batch, bool]:
    """Items of a batch, and whether they are the last ones."""
    last = monotonic() + BATCH_SECONDS
    items: Batch = []
    for item in stream.iterator or ():
        items.append(item)
        if monotonic() >= last:
            return items, False
    return items, True
