# SPDX-License-Identifier: Apache-2.0
"""Plots: the distance of each figure from bound and aim, and the durations of calls."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from plan import FIGURES
from svg import box, dot, line, picture, text

Line = dict[str, Any]

ROW = 30
LABELS = 330
WIDTH = 560
MARGIN = 28

STYLE = """
.mark { stroke: var(--text); stroke-width: 2; }
.aim { fill: var(--good); } .bound { fill: var(--fair); } .missed { fill: var(--bad); }
.ours { fill: var(--ours); stroke: var(--ours); }
.floor { fill: var(--other); stroke: var(--other); }
.range { stroke-width: 2; stroke-opacity: 0.45; }
"""


class Scale:
    """Logarithmic, from the left edge of the plot to its right edge.

    A value without a logarithm is drawn at an edge. For example, memory may shrink during the
    calls.
    """

    def __init__(self, values: Sequence[float]) -> None:
        drawn = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        self.low = math.floor(math.log10(min(drawn)))
        self.high = max(math.ceil(math.log10(max(drawn))), self.low + 1)

    def x(self, value: float) -> float:
        power = math.log10(value) if value > 0 else -math.inf
        share = (min(max(power, self.low), self.high) - self.low) / (self.high - self.low)
        return LABELS + share * WIDTH

    def grid(self, height: int) -> Iterator[str]:
        for power in range(self.low, self.high + 1):
            x = self.x(10.0**power)
            yield line("grid", x, 64, x, height - 34)
            yield text(x, height - 16, label(power), "soft", "middle")


def label(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def plot(title: str, note: str, height: int, parts: Iterable[str]) -> str:
    return picture((LABELS + WIDTH + MARGIN + 60, height), MARGIN, title, note, STYLE, parts)


def distances(records: Sequence[Line]) -> str:
    """A bar for each figure, as a share of its bound, and a stroke at the aim."""
    rows = []
    for record in records:
        figure = FIGURES[record["figure"]]
        if figure.bound is None or figure.aim is None:
            continue
        shares = [record["value"] / figure.bound, figure.aim / figure.bound]
        if figure.more_is_better:
            shares = [1 / share if share > 0 else math.inf for share in shares]
        rows.append((figure, record, *shares))
    scale = Scale([0.1, 10, *(share for row in rows for share in row[2:])])
    height = 64 + ROW * len(rows) + 40

    def parts() -> Iterator[str]:
        yield from scale.grid(height)
        for number, (figure, record, share, aim) in enumerate(rows):
            y = 64 + ROW * number + ROW / 2
            yield text(MARGIN, y + 1, figure.title.partition(" / ")[0])
            yield text(MARGIN, y + 13, record["variant"], "soft")
            style = figure.verdict(record["value"])
            left, right = scale.x(10.0**scale.low), scale.x(share)
            yield box(style, left, y - 6, max(right - left, 1.0), 12, 2)
            beyond = "" if 0 < share < math.inf else ", beyond the scale"
            yield text(right + 6, y + 4, f"{record['value']:.3g}{figure.unit}{beyond}", "soft")
            yield line("mark", scale.x(aim), y - 9, scale.x(aim), y + 9)

    note = "cost as a share of the bound: left of 1 it is kept; the stroke is the aim"
    return plot("Where each figure stands", note, height, parts())


def durations(records: Sequence[Line]) -> str:
    """p50, p99 and max of both sides, as three dots on a line."""
    rows = [
        (record, style, record[side])
        for record in records
        if "measured" in record and FIGURES[record["figure"]].bound is not None
        for side, style in (("measured", "ours"), ("floor", "floor"))
    ]
    scale = Scale([side[key] for _, _, side in rows for key in ("p50", "max")] or [1.0, 10.0])
    height = 64 + ROW * len(rows) + 40

    def parts() -> Iterator[str]:
        yield from scale.grid(height)
        for number, (record, style, side) in enumerate(rows):
            y = 64 + ROW * number + ROW / 2
            if style == "ours":
                yield text(MARGIN, y + 4, f"{record['figure']}, {record['variant']}")
            yield text(LABELS - 10, y + 4, side["name"], "soft", "end")
            p50, p99, most = (scale.x(side[key]) for key in ("p50", "p99", "max"))
            yield line(f"{style} range", p50, y, most, y)
            for x, radius in ((p50, 5), (p99, 3.5), (most, 2)):
                yield dot(style, x, y, radius)

    note = "microseconds; large dot p50, then p99, small dot the longest; blue is measured"
    return plot("How long it took", note, height, parts())


def draw(records: Sequence[Line], folder: Path) -> list[Path]:
    """Writes both plots; returns their files."""
    drawn = {"figures.svg": distances(records), "durations.svg": durations(records)}
    for name, svg in drawn.items():
        (folder / name).write_text(svg)
    return [folder / name for name in drawn]
