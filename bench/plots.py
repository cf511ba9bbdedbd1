# SPDX-License-Identifier: Apache-2.0
"""SVG written by hand: the distance of each figure from bound and aim, and the durations of calls.

The colours follow the reader's light or dark setting.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from plan import FIGURES

Line = dict[str, Any]

ROW = 30
LABELS = 330
WIDTH = 560
MARGIN = 28

STYLE = """
svg { --text: #24292f; --soft: #6e7781; --grid: #d8dee4; --back: #ffffff;
      --good: #1a7f37; --fair: #bf8700; --bad: #cf222e; --ours: #0969da; --floor: #8c959f;
      font: 13px system-ui, sans-serif; background: var(--back); }
@media (prefers-color-scheme: dark) {
  svg { --text: #e6edf3; --soft: #8d96a0; --grid: #30363d; --back: #0d1117;
        --good: #3fb950; --fair: #d29922; --bad: #f85149; --ours: #58a6ff; --floor: #6e7681; } }
text { fill: var(--text); } .soft { fill: var(--soft); font-size: 11px; }
.title { font-size: 16px; font-weight: 600; }
.grid { stroke: var(--grid); } .mark { stroke: var(--text); stroke-width: 2; }
.aim { fill: var(--good); } .bound { fill: var(--fair); } .missed { fill: var(--bad); }
.ours { fill: var(--ours); stroke: var(--ours); }
.floor { fill: var(--floor); stroke: var(--floor); }
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
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="64" y2="{height - 34}"/>'
            yield text(x, height - 16, label(power), "soft", "middle")


def label(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def picture(title: str, note: str, height: int, parts: Iterable[str]) -> str:
    width = LABELS + WIDTH + MARGIN + 60
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(title)}">\n<style>{STYLE}</style>\n'
        f"{text(MARGIN, 30, title, 'title')}\n{text(MARGIN, 50, note, 'soft')}\n{body}\n</svg>\n"
    )


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
            yield bar(left, right, y, style)
            beyond = "" if 0 < share < math.inf else ", beyond the scale"
            yield text(right + 6, y + 4, f"{record['value']:.3g}{figure.unit}{beyond}", "soft")
            x = scale.x(aim)
            yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{y + 9}"/>'

    note = "cost as a share of the bound: left of 1 it is kept; the stroke is the aim"
    return picture("Where each figure stands", note, height, parts())


def bar(left: float, right: float, y: float, style: str) -> str:
    width = max(right - left, 1.0)
    return (
        f'<rect class="{style}" x="{left:.1f}" y="{y - 6}" width="{width:.1f}" height="12" rx="2"/>'
    )


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
            yield f'<line class="{style} range" x1="{p50:.1f}" x2="{most:.1f}" y1="{y}" y2="{y}"/>'
            for x, radius in ((p50, 5), (p99, 3.5), (most, 2)):
                yield f'<circle class="{style}" cx="{x:.1f}" cy="{y}" r="{radius}"/>'

    note = "microseconds; large dot p50, then p99, small dot the longest; blue is measured"
    return picture("How long it took", note, height, parts())


def draw(records: Sequence[Line], folder: Path) -> list[Path]:
    """Writes both plots; returns their files."""
    drawn = {"figures.svg": distances(records), "durations.svg": durations(records)}
    for name, svg in drawn.items():
        (folder / name).write_text(svg)
    return [folder / name for name in drawn]
