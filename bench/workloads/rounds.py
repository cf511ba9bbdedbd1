# SPDX-License-Identifier: Apache-2.0
"""Interleaved rounds: the subject and its floor take turns, so that noise hits both alike."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Round:
    """One round's cost, in the figure's unit, and single durations in microseconds."""

    cost: float
    durations: list[float]

    @classmethod
    def of(cls, durations: list[float]) -> "Round":
        return cls(median(durations), durations)


@dataclass(frozen=True)
class Side:
    name: str
    play: Callable[[], Round]
    rounds: list[Round] = field(default_factory=list)

    def summary(self) -> Record:
        durations = sorted(itertools.chain.from_iterable(each.durations for each in self.rounds))
        return {
            "name": self.name,
            "cost": median(each.cost for each in self.rounds),
            "p50": quantile(durations, 0.50),
            "p99": quantile(durations, 0.99),
            "max": durations[-1],
            "count": len(durations),
        }


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def compare(
    figure: str,
    variant: str,
    measured: Side,
    floor: Side,
    rounds: int,
    best: Callable[[Iterable[float]], float] = min,
) -> Record:
    """Play both sides `rounds` times in turns; the ratio is the median of the rounds' ratios.

    On a shared machine, the ratio of the two sides' best rounds says more. A floor that needs one
    processor is disturbed less than calls that keep two processors busy.
    """
    for number in range(rounds):
        # The second side finds warmer caches, so the sides swap their places.
        for side in (measured, floor) if number % 2 else (floor, measured):
            side.rounds.append(side.play())
    pairs = zip(measured.rounds, floor.rounds, strict=True)
    ratios = [ours.cost / theirs.cost for ours, theirs in pairs]
    return {
        "figure": figure,
        "variant": variant,
        "value": median(ratios),
        "values": ratios,
        "best": best(each.cost for each in measured.rounds)
        / best(each.cost for each in floor.rounds),
        "measured": measured.summary(),
        "floor": floor.summary(),
    }


def timed(calls: int, call: Callable[[int], int]) -> list[float]:
    """The duration of each of `calls` calls, in microseconds; the results are checked."""
    durations = []
    clock = time.perf_counter
    for value in range(calls):
        start = clock()
        doubled = call(value)
        durations.append((clock() - start) * 1e6)
        assert doubled == 2 * value, (doubled, value)
    return durations


async def timed_awaits(calls: int, one: Callable[[int], Awaitable[int]]) -> list[float]:
    durations = []
    clock = time.perf_counter
    for value in range(calls):
        start = clock()
        doubled = await one(value)
        durations.append((clock() - start) * 1e6)
        assert doubled == 2 * value, (doubled, value)
    return durations


async def timed_gathers(
    times: int, calls: int, gather: Callable[[range], Awaitable[list[int]]]
) -> list[float]:
    """The duration of a call in each of `times` gathers of `calls` calls, in microseconds."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        doubled = await gather(range(calls))
        durations.append((time.perf_counter() - start) / calls * 1e6)
        assert doubled == list(range(0, 2 * calls, 2)), "results are not where they belong"
    return durations


def runner(kind: str) -> asyncio.Runner:
    """A loop of the variant's kind."""
    if kind == "uvloop":
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner(loop_factory=asyncio.new_event_loop)


def side_on_loop(
    loop: asyncio.Runner, name: str, play: Callable[[], Coroutine[Any, Any, list[float]]]
) -> Side:
    return Side(name, lambda: Round.of(loop.run(play())))
