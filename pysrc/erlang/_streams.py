# SPDX-License-Identifier: Apache-2.0
"""Iterators for ``py:stream`` and ``py:stream_eval``, in batches.

A batch ends when it has taken a while, so that Erlang sees that the iterator is alive. Iterators
never change threads: all batches of one are asked for on the same thread.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator
from time import monotonic

# After which a batch is complete, however little is in it.
BATCH_SECONDS = 1.0


class _Thread(threading.local):
    def __init__(self) -> None:
        self.iterators: dict[int, Iterator[object]] = {}


_thread = _Thread()
_numbers = itertools.count(1)

# Items, and after them the iterator's number while there may be more of them, else None. One flat
# list, so that an item that has no Erlang value is named by its place in the batch: result[17].
Batch = list[object]


def begin(iterable: Iterable[object]) -> Batch:
    """The first items of ``iterable``."""
    return _batch(next(_numbers), iter(iterable))


def more(number: int) -> Batch:
    """The next items of an iterator."""
    return _batch(number, _thread.iterators.pop(number))


def forget_all() -> None:
    """Nobody asks for more on this thread."""
    _thread.iterators.clear()


def _batch(number: int, iterator: Iterator[object]) -> Batch:
    last = monotonic() + BATCH_SECONDS
    items: Batch = []
    for item in iterator:
        items.append(item)
        if monotonic() >= last:
            _thread.iterators[number] = iterator
            items.append(number)
            return items
    items.append(None)
    return items
