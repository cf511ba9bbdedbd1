# SPDX-License-Identifier: Apache-2.0
"""Iterators for ``py:stream`` and ``py:stream_eval``, in batches.

A batch ends after a while, so that Erlang sees that the iterator is alive. An iterator never
changes its thread: all its batches run on one thread and in one context.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import monotonic

# Seconds after which a batch is complete, however few items it has.
BATCH_SECONDS = 1.0


@dataclass
class _Stream:
    iterator: Iterator[object] | None
    # The context variables from the start of the stream, and those that the iterator sets.
    context: Context


class _Thread(threading.local):
    def __init__(self) -> None:
        self.streams: dict[int, _Stream] = {}


_thread = _Thread()
_numbers = itertools.count(1)

# The items, followed by the iterator's number, or by None if there are no more items. One flat
# list, so that an error names an item by its place in the batch: result[17].
Batch = list[object]


def begin(iterable: Iterable[object]) -> Batch:
    """The first items of ``iterable``."""
    context = copy_context()
    return _batch(next(_numbers), _Stream(context.run(iter, iterable), context))


def more(number: int) -> Batch:
    """The next items of an iterator."""
    return _batch(number, _thread.streams.pop(number))


def forget_all() -> None:
    """Drops all iterators of this thread: nobody asks for more."""
    while _thread.streams:
        _, stream = _thread.streams.popitem()
        # A generator cleans up when it is dropped, in its own context too.
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
    """The items of a batch, and whether they are the last ones."""
    last = monotonic() + BATCH_SECONDS
    items: Batch = []
    for item in stream.iterator or ():
        items.append(item)
        if monotonic() >= last:
            return items, False
    return items, True
