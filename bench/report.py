# SPDX-License-Identifier: Apache-2.0
"""Draw the results of ``run.py``: tables on the screen, and plots beside the results."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plots
from plan import FIGURES

Line = dict[str, Any]


def read(results: Path) -> list[Line]:
    """One line for each run of a workload, in the order of the figures."""
    files = sorted(file for file in results.glob("*.json") if not file.name.startswith("native-"))
    lines = [json.loads(file.read_text()) for file in files]
    order = list(FIGURES)
    return sorted(lines, key=lambda line: order.index(line["records"][0]["figure"]))


def rows(lines: Sequence[Line]) -> list[Line]:
    """All records of all runs. Records of the same figure are neighbours."""
    records = [record for line in lines for record in line["records"]]
    order = list(FIGURES)
    return sorted(records, key=lambda record: order.index(record["figure"]))


def table(head: Sequence[str], body: Sequence[Sequence[str]], left: int) -> None:
    """Print columns; the first `left` columns are aligned to the left."""
    if not body:
        return
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    for number, row in enumerate([head, ["-" * width for width in widths], *body]):
        cells = [
            cell.ljust(width) if column < left or number == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    print()


def short(value: float) -> str:
    """Three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def optional(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def figure_row(record: Line) -> list[str]:
    figure = FIGURES[record["figure"]]
    value = short(record["value"]) + (f" {figure.unit}" if figure.unit else "")
    verdict = figure.verdict(record["value"])
    bounds = [optional(figure.bound), optional(figure.aim)]
    best = short(record["best"]) if "best" in record else ""
    return [figure.title, record["variant"], value, best, *bounds, verdict]


def duration_rows(record: Line) -> list[list[str]]:
    return [
        [record["figure"], record["variant"], side["name"]]
        + [short(side[key]) for key in ("p50", "p99", "max")]
        for side in (record["measured"], record["floor"])
    ]


def native_rows(results: Path) -> list[list[str]]:
    found = []
    for file in sorted(results.glob("native-*.json")):
        for run in json.loads(file.read_text())["benchmarks"]:
            each = 1e9 / run["items_per_second"] if "items_per_second" in run else None
            found.append([run["name"].removesuffix("/real_time"), short(each) if each else ""])
    return found


def show(results: Path) -> None:
    lines = read(results)
    records = rows(lines)
    print()
    table(
        ("figure", "variant", "value", "best", "bound", "aim", "reached"),
        [figure_row(record) for record in records],
        left=2,
    )
    compared = [record for record in records if "measured" in record]
    table(
        ("microseconds", "variant", "what", "p50", "p99", "max"),
        [row for record in compared for row in duration_rows(record)],
        left=3,
    )
    table(
        ("bytes for a call in flight", "resident", "of it floor", "by malloc"),
        [
            [f"{record['calls']:,} calls, {record['variant']}"]
            + [short(record[key]) for key in ("resident_each", "floor_each", "malloc_each")]
            for record in records
            if "malloc_each" in record
        ],
        left=1,
    )
    table(("native, without Erlang", "ns each"), native_rows(results), left=1)
    if not lines:
        return
    if any(line["quick"] for line in lines):
        print("From quick runs: they show that everything works, their figures say little.")
    load = max(line["load"] for line in lines)
    print(
        f"Python {lines[0]['python']}, OTP {lines[0]['otp']}, {lines[0]['processors']} processors;"
        f" load average up to {load:.1f}; peak memory of a node"
        f" {max(line['peak_rss_mib'] for line in lines):.0f} MiB"
    )
    if load > lines[0]["processors"]:
        print("Others used this machine meanwhile: trust only the ratios, and those little.")
    for plot in plots.draw(records, results):
        print(f"plot: {plot}")


if __name__ == "__main__":
    show(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
