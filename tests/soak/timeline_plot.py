# SPDX-License-Identifier: Apache-2.0
"""SVG written by hand: each figure over time, under load and at the quiescent points.

The colours follow the reader's light or dark setting.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from drift import MB, Drift

Sample = Mapping[str, Any]

COLUMNS = 2
PANEL_WIDTH, PANEL_HEIGHT = 430, 150
LEFT, TOP, GAP_X, GAP_Y = 64, 84, 84, 58
RIGHT, BOTTOM = 28, 30

STYLE = """
svg { --text: #24292f; --soft: #6e7781; --grid: #d8dee4; --back: #ffffff;
      --good: #1a7f37; --bad: #cf222e; --ours: #0969da; --load: #8c959f;
      font: 13px system-ui, sans-serif; background: var(--back); }
@media (prefers-color-scheme: dark) {
  svg { --text: #e6edf3; --soft: #8d96a0; --grid: #30363d; --back: #0d1117;
        --good: #3fb950; --bad: #f85149; --ours: #58a6ff; --load: #6e7681; } }
text { fill: var(--text); } .soft { fill: var(--soft); font-size: 11px; }
.title { font-size: 16px; font-weight: 600; } .name { font-weight: 600; }
.good { fill: var(--good); font-size: 11px; } .bad { fill: var(--bad); font-size: 11px; }
.grid { stroke: var(--grid); } .warm { fill: var(--grid); fill-opacity: 0.45; }
.load { fill: none; stroke: var(--load); stroke-width: 1.2; stroke-linejoin: round; }
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


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
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
    warm_width = warm / end * PANEL_WIDTH
    yield (f'<rect class="warm" x="{x}" y="{y}" width="{warm_width:.1f}" height="{PANEL_HEIGHT}"/>')
    for mark in axis.marks():
        _, height = place(0, mark)
        yield (
            f'<line class="grid" x1="{x}" x2="{x + PANEL_WIDTH}"'
            f' y1="{height:.1f}" y2="{height:.1f}"/>'
        )
        yield text(x - 6, height + 4, label(mark), "soft", "end")
    for seconds in time_marks(end):
        across, _ = place(seconds, axis.low)
        yield text(across, y + PANEL_HEIGHT + 15, clock(seconds), "soft", "middle")
    under_load = [place(seconds, value) for seconds, value, is_quiet in points if not is_quiet]
    path = " ".join(f"{across:.1f},{height:.1f}" for across, height in under_load)
    yield f'<polyline class="load" points="{path}"/>'
    for seconds, value, is_quiet in points:
        if is_quiet:
            across, height = place(seconds, value)
            yield f'<circle class="quiet" cx="{across:.1f}" cy="{height:.1f}" r="2.6"/>'


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
    parts = [text(LEFT, 32, title, "title"), text(LEFT, 51, note, "soft")]
    for number, panel in enumerate(PANELS):
        row, column = divmod(number, COLUMNS)
        x = LEFT + column * (PANEL_WIDTH + GAP_X)
        y = TOP + row * (PANEL_HEIGHT + GAP_Y)
        parts += panel_parts(panel, x, y, rated, warm, of.get(panel.drift or panel.figure))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(title)}">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )
