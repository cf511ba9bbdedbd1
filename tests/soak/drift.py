# SPDX-License-Identifier: Apache-2.0
"""Whether a figure grew while it should have stayed: rules over what was seen when all was quiet.

What is counted has to be back, within its slack, at each quiescent point. Memory never is, to the
byte: the median of the first third of the quiescent points is compared with that of the last third,
so that one odd point decides nothing. In between it may grow by its slack, which covers what
allocators do, and by so much for each million calls.
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
    per_million: float = 0  # calls
    exact: bool = True  # counted, has to be back each time
    unit: float = 1  # what is shown as 1


RULES = (
    Rule("processes"),
    Rule("descriptors"),
    Rule("threads"),
    Rule("python_threads"),
    # The threads of the contexts have one as soon as they call Erlang.
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
    # Until 3.13 threading keeps an object for each thread that it did not start, by the thread's
    # identifier, which is used again: as many as contexts ever were at a time.
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
    millions: float  # calls between the two
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
    """`points` in the order of time, each with the figure and with the `calls` made until then."""
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
    """The counts that are not the same."""
    return [r.figure for r in RULES if r.exact and point[r.figure] != other[r.figure]]


def beyond(point: Point, baseline: Point) -> list[str]:
    """The counts that are not back where they were."""
    return [r.figure for r in RULES if r.exact and point[r.figure] > baseline[r.figure] + r.slack]
