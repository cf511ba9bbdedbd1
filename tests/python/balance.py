# SPDX-License-Identifier: Apache-2.0
"""Measures whether a repeated operation keeps references, for example one at each call.

A debug build of CPython (`./dev test --debug-python`) counts all references. Any other build counts
blocks of memory, and shows the references of each object that the test names.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Sequence

import erlang

Operation = Callable[[], object]
AsyncOperation = Callable[[], Coroutine[object, object, object]]

# Objects that operations use by themselves; in later releases these are immortal and never counted.
SHARED: list[object] = [
    *(None, True, False, 0, 1, (), "", b""),
    *(int, str, bytes, list, dict, tuple, float),
    *(erlang.Atom, erlang.Pid, erlang.Ref, erlang.Port, erlang.Fun, erlang.Call),
    *(erlang.Error, erlang.Timeout, erlang.UndefinedFunction, TypeError, ValueError),
]


ROUNDS = 5


def held(involved: Sequence[object]) -> list[int]:
    """The figures that must not grow, after a collection of garbage in Python and in Erlang."""
    # Erlang shares large values and releases them when its processes collect garbage.
    erlang.call("conversion_collect")
    gc.collect()
    total = getattr(sys, "gettotalrefcount", sys.getallocatedblocks)()
    return [total, *(sys.getrefcount(thing) for thing in involved)]


def growth_by(operation: Operation, involved: Sequence[object], times: int) -> dict[str, int]:
    """The growth that at least half of the rounds of `operation` show, and the growth in all.

    A reference that is kept each time grows in every round. Objects that are kept for the next use
    do not grow, nor do objects that end a moment later.
    """
    things = [*SHARED, *involved]
    names = ["in all", *(f"{type(thing).__name__} at {id(thing):#x}" for thing in things)]
    _repeat(operation, times // 4)
    before = held(things)
    growth = {}
    for _ in range(ROUNDS):
        _repeat(operation, times)
        now = held(things)
        grown = [new - old for new, old in zip(now, before, strict=True)]
        growth = {name: more for name, more in zip(names, grown, strict=True) if more > times // 2}
        if not growth:
            break
        before = now
    return growth


def assert_balanced(operation: Operation, involved: Sequence[object], times: int) -> None:
    growth = growth_by(operation, involved, times)
    assert not growth, f"kept after {times} times"


def assert_balanced_on_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], operation: AsyncOperation, times: int
) -> None:
    """The same for a coroutine function, on one loop. The figures are taken between its runs."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert_balanced(lambda: runner.run(operation()), [], times)


def _repeat(operation: Operation, times: int) -> None:
    for _ in range(times):
        operation()
