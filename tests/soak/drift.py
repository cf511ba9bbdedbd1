# SPDX-License-Identifier: Apache-2.0
"""Rules that tell whether a figure has grown, from samples at the quiescent points.

A counted figure must return to its baseline, within its slack, at each quiescent point. Memory
never returns to the byte. So the median of the first third of the quiescent points is compared with
the median of the last third: one odd point decides nothing. In between, memory may grow by its
slack, which covers allocators, and by an amount for each million calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

MB = 1_000_000

# Fewer quiescent points than this make no thirds.
FEWEST_POINTS = 6

Point = Mapping[str, float]


@dataclass(frozen=True)
class Rule:
    """The amount by which a figure may grow."""

    figure: str
    slack: float = 0
    per_million: float = 0  # the growth for each million calls
    exact: bool = True  # a counted figure, which must return to its baseline each time
    unit: float = 1  # the amount that is shown as 1


RULES = (
    Rule("processes"),
    Rule("descriptors"),
    Rule("threads"),
    Rule("python_threads"),
    # A context's thread gets a channel with its first call of Erlang.
    Rule("channels_in_use", slack=2),
    Rule("handlers_alone"),
    Rule("in_flight"),
    Rule("loops"),
    Rule("hosted_loops"),
    Rule("functions"),
    Rule("ports"),
    Rule("ets_tables"),
    Rule("messages"),
    # The names of modules and functions that are loaded at their first use.
    Rule("atoms", slack=50, exact=False),
    # Until 3.13, threading keeps an object for each thread that it did not start, by the thread's
    # identifier. Identifiers are reused, so there is one object for each context of the busiest
    # moment.
    Rule("python_blocks", slack=6000, per_million=300, exact=False),
    Rule("erlang_memory", slack=4 * MB, per_million=0.25 * MB, exact=False, unit=MB),
    Rule("binary_memory", slack=2 * MB, per_million=0.1 * MB, exact=False, unit=MB),
    Rule("ets_memory", slack=0.2 * MB, per_million=0.02 * MB, exact=False, unit=MB),
    Rule("malloc_in_use", slack=4 * MB, per_million=0.25 * MB, exact=False, unit=MB),
    Rule("rss", slack=24 * MB, per_million=2 * MB, exact=False, unit=MB),
)


@dataclass(frozen=True)
class Drift:
    """The drift of one figure."""

    rule: Rule
    first: float
    last: float
    allowed: float
    millions: float  # calls between the two medians
    failed: bool

    @property
    def growth(self) -> float:
        return self.last - self.first

    @property
    def per_million(self) -> float:
        return self.growth / self.millions if self.millions else 0.0

    def __str__(self) -> str:
        unit = self.rule.unit
        return (
            f"{self.rule.figure}: {self.first / unit:,.6g} -> {self.last / unit:,.6g},"
            f" {self.growth / unit:+.3g} of {self.allowed / unit:.3g} allowed"
        )


def judge(rule: Rule, points: Sequence[Point]) -> Drift:
    """`points` in the order of time, each with the figure and with the number of `calls` until
    then.
    """
    if len(points) < FEWEST_POINTS:
        raise ValueError(f"{len(points)} quiescent points are too few, {FEWEST_POINTS} needed")
    third = len(points) // 3
    begin, end = points[:third], points[-third:]
    first = median(point[rule.figure] for point in begin)
    last = median(point[rule.figure] for point in end)
    millions = (
        median(point["calls"] for point in end) - median(point["calls"] for point in begin)
    ) / 1e6
    allowed = rule.slack + rule.per_million * millions
    failed = last - first > allowed
    if rule.exact:
        highest = max(point[rule.figure] for point in points)
        failed = highest - points[0][rule.figure] > rule.slack
        if failed:
            first, last = points[0][rule.figure], highest
    return Drift(rule, first, last, allowed, millions, failed)


def judge_all(points: Sequence[Point]) -> list[Drift]:
    return [judge(rule, points) for rule in RULES]


def differing(point: Point, other: Point) -> list[str]:
    """The counts that differ."""
    return [r.figure for r in RULES if r.exact and point[r.figure] != other[r.figure]]


def beyond(point: Point, baseline: Point) -> list[str]:
    """The counts that are above their baseline."""
    return [r.figure for r in RULES if r.exact and point[r.figure] > baseline[r.figure] + r.slack]
