# SPDX-License-Identifier: Apache-2.0
"""The parts of plots in SVG, for the benchmarks and the soak.

The colours follow the reader's light or dark setting.
"""

from collections.abc import Iterable
from html import escape

STYLE = """
svg { --text: #24292f; --soft: #6e7781; --grid: #d8dee4; --back: #ffffff;
      --good: #1a7f37; --fair: #bf8700; --bad: #cf222e; --ours: #0969da; --other: #8c959f;
      font: 13px system-ui, sans-serif; background: var(--back); }
@media (prefers-color-scheme: dark) {
  svg { --text: #e6edf3; --soft: #8d96a0; --grid: #30363d; --back: #0d1117;
        --good: #3fb950; --fair: #d29922; --bad: #f85149; --ours: #58a6ff; --other: #6e7681; } }
text { fill: var(--text); } .soft { fill: var(--soft); font-size: 11px; }
.title { font-size: 16px; font-weight: 600; } .grid { stroke: var(--grid); }
"""


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def line(style: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def box(style: str, x: float, y: float, width: float, height: float, corner: float = 0) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}" rx="{corner}"'
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" {size}/>'


def dot(style: str, x: float, y: float, radius: float) -> str:
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def picture(
    size: tuple[int, int], left: int, title: str, note: str, style: str, parts: Iterable[str]
) -> str:
    """A whole file. Title and note begin at ``left``; ``style`` is CSS for the parts."""
    body = "\n".join([text(left, 30, title, "title"), text(left, 50, note, "soft"), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img"'
        f' aria-label="{escape(title)}">\n<style>{STYLE}{style}</style>\n{body}\n</svg>\n'
    )
