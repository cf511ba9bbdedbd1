# SPDX-License-Identifier: Apache-2.0
"""A plot of each figure over time, under load and at the quiescent points."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift import MB, Drift

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
from svg import box, dot, line, picture, text

Sample = Mapping[str, Any]

COLUMNS = 2
PANEL_WIDTH, PANEL_HEIGHT = 430, 150
LEFT, TOP, GAP_X, GAP_Y = 64, 84, 84, 58
RIGHT, BOTTOM = 28, 30

STYLE = """
.name { font-weight: 600; }
.good { fill: var(--good); font-size: 11px; } .bad { fill: var(--bad); font-size: 11px; }
.warm { fill: var(--grid); fill-opacity: 0.45; }
.load { fill: none; stroke: var(--other); stroke-width: 1.2; stroke-linejoin: round; }
.quiet { fill: var(--ours); }
"""


@dataclass(frozen=True)
class Panel:
    figure: str
    title: str
    unit: float = 1
    # The figure whose drift is shown, if not this figure.
    drift: str = ""


PANELS = (
    Panel("rss", "resident memory, MB", MB),
    Panel("erlang_memory", "Erlang's memory, MB", MB),
    Panel("binary_memory", "binaries, MB", MB),
    Panel("ets_memory", "ETS tables, MB", MB),
    Panel("all_processes", "Erlang processes", drift="processes"),
    Panel("threads", "operating system's threads"),
    Panel("all_descriptors", "descriptors", drift="descriptors"),
    Panel("atoms", "atoms"),
    Panel("per_second", "calls per second"),
    Panel("in_flight", "calls in flight"),
)


def step(span: float) -> float:
    """A round distance between grid lines, for about four lines."""
    raw, power = span / 4, 1.0
    while power * 10 <= raw:
        power *= 10
    while power > raw:
        power /= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)


class Axis:
    def __init__(self, values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        # Small variations are not stretched over the whole plot.
        margin = max((high - low) * 0.08, high * 0.04, 0.5)
        self.low, self.high = max(0.0, low - margin), high + margin

    def marks(self) -> Iterator[float]:
        distance = step(self.high - self.low)
        mark = distance * (self.low // distance + 1)
        while mark < self.high:
            yield mark
            mark += distance

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


def label(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.2g}"


def panel_parts(
    panel: Panel, x: float, y: float, samples: Sequence[Sample], warm: float, drift: Drift | None
) -> Iterator[str]:
    end = samples[-1]["seconds"]
    points = [
        (sample["seconds"], sample[panel.figure] / panel.unit, sample["quiet"])
        for sample in samples
        if panel.figure in sample
    ]
    axis = Axis([value for _, value, _ in points])

    def place(seconds: float, value: float) -> tuple[float, float]:
        return (
            x + seconds / end * PANEL_WIDTH,
            y + PANEL_HEIGHT - axis.share(value) * PANEL_HEIGHT,
        )

    yield text(x, y - 10, panel.title, "name")
    if drift is not None:
        grown = f"quiescent {drift.growth / drift.rule.unit:+.3g}"
        allowed = f" of {drift.allowed / drift.rule.unit:.3g} allowed"
        style = "bad" if drift.failed else "good"
        yield text(x + PANEL_WIDTH, y - 10, grown + allowed, style, "end")
    yield box("warm", x, y, warm / end * PANEL_WIDTH, PANEL_HEIGHT)
    for mark in axis.marks():
        _, height = place(0, mark)
        yield line("grid", x, height, x + PANEL_WIDTH, height)
        yield text(x - 6, height + 4, label(mark), "soft", "end")
    for seconds in time_marks(end):
        across, _ = place(seconds, axis.low)
        yield text(across, y + PANEL_HEIGHT + 15, clock(seconds), "soft", "middle")
    under_load = [place(seconds, value) for seconds, value, is_quiet in points if not is_quiet]
    path = " ".join(f"{across:.1f},{height:.1f}" for across, height in under_load)
    yield f'<polyline class="load" points="{path}"/>'
    for seconds, value, is_quiet in points:
        if is_quiet:
            yield dot("quiet", *place(seconds, value), 2.6)


def time_marks(end: float) -> Iterator[float]:
    distance = next(
        (each for each in (1, 2, 5, 10, 30, 60, 120, 300, 600) if end / each <= 6), 1800
    )
    mark = 0.0
    while mark <= end:
        yield mark
        mark += distance


def clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:g} min"


def with_rates(samples: Sequence[Sample]) -> list[Sample]:
    """Add `per_second` since the previous sample, if both samples are from under load."""
    rated = []
    for before, sample in zip([None, *samples], samples, strict=False):
        rated.append(sample)
        if before is None or sample["quiet"] or before["quiet"]:
            continue
        seconds = sample["seconds"] - before["seconds"]
        if seconds > 0 and sample["calls"] >= before["calls"]:
            rate = (sample["calls"] - before["calls"]) / seconds
            rated[-1] = {**sample, "per_second": rate}
    return rated


def draw(title: str, samples: Sequence[Sample], warm: float, drifts: Sequence[Drift]) -> str:
    """The picture. `warm`: seconds from the start that the verdict leaves out."""
    of = {drift.rule.figure: drift for drift in drifts}
    rows = -(-len(PANELS) // COLUMNS)
    width = LEFT + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * GAP_X + RIGHT
    height = TOP + rows * (PANEL_HEIGHT + GAP_Y) - GAP_Y + 26 + BOTTOM
    note = (
        "line: under load; dots: quiescent points, load paused, garbage collected; shaded: warm-up"
    )
    rated = with_rates(samples)
    parts: list[str] = []
    for number, panel in enumerate(PANELS):
        row, column = divmod(number, COLUMNS)
        x = LEFT + column * (PANEL_WIDTH + GAP_X)
        y = TOP + row * (PANEL_HEIGHT + GAP_Y)
        parts += panel_parts(panel, x, y, rated, warm, of.get(panel.drift or panel.figure))
    return picture((width, height), LEFT, title, note, STYLE, parts)
