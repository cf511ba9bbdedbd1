# SPDX-License-Identifier: Apache-2.0
"""Writes the platforms' results: docs/platforms.md, and the table on the screen.

A platform's rows stay in the file, with their date, until the platform runs again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from count import Counts

PAGE = Path("docs/platforms.md")
NEVER_RUN = "not run"
LICENCE = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
INTRODUCTION = """\
# Platforms

`./dev matrix` makes a clean Debian tree for each platform, clones the last commit into it, and runs
`./dev demo --check` and `./dev test` there. The command writes this page. A row keeps its date
until its platform runs again; the commit is the one that ran.
"""
TABLES = {
    "Results": ("date", "commit", "Debian", "OTP", "CPython", "g++", "demo check", "tests"),
    "Tests by part": ("passed; failed, where any",),
    "Failed tests": ("part, test",),
}


@dataclass
class Result:
    name: str
    date: str
    commit: str
    versions: Sequence[str] = ("", "", "", "")
    # None: the demo did not run.
    demo: bool | None = None
    # The counts of each part, in the order of the run.
    parts: dict[str, Counts] = field(default_factory=dict)
    # The reason why there are no tests to count.
    trouble: str = ""

    @property
    def counts(self) -> Counts:
        return sum(self.parts.values(), Counts())

    @property
    def good(self) -> bool:
        counts = self.counts
        sound = self.demo is not False and not self.trouble
        return sound and counts.passed > 0 and counts.failed == 0

    @property
    def demo_said(self) -> str:
        return {None: NEVER_RUN, True: "ok", False: "failed"}[self.demo]

    def rows(self) -> dict[str, list[str]]:
        """The platform's rows in each table, without the platform's name."""
        counts = self.counts
        tests = self.trouble or f"{counts.passed} passed, {counts.failed} failed"
        if counts.skipped:
            tests += f", {counts.skipped} skipped"
        parts = [
            f"{name} {part.passed}" + (f"; **{part.failed} failed**" if part.failed else "")
            for name, part in self.parts.items()
        ]
        failed = [f"{name}: `{test}`" for name, part in self.parts.items() for test in part.names]
        return {
            "Results": [
                _row(self.name, self.date, self.commit, *self.versions, self.demo_said, tests)
            ],
            "Tests by part": [_row(self.name, ", ".join(parts))] if parts else [],
            "Failed tests": [_row(self.name, test) for test in failed],
        }


def write(results: Sequence[Result], order: Sequence[str], left_out: dict[str, str]) -> None:
    """Write the results into the page; `left_out`: why a platform can't run on this machine."""
    old = _read(PAGE.read_text()) if PAGE.exists() else {}
    new = {result.name: result.rows() for result in results}
    page = [LICENCE, INTRODUCTION]
    for title, columns in TABLES.items():
        rows = []
        for name in order:
            found = new[name][title] if name in new else old.get((title, name), [])
            if not found and title == "Results":
                reason = left_out.get(name, NEVER_RUN)
                found = [_row(name, reason, *[""] * (len(columns) - 1))]
            rows += found
        if rows:
            head = [_row("platform", *columns), _row(*["---"] * (len(columns) + 1))]
            page.append("\n".join([f"\n## {title}", *head, *rows, ""]))
    PAGE.write_text("".join(page))


def screen(results: Sequence[Result], left_out: dict[str, str]) -> str:
    lines = []
    for result in results:
        counts = result.counts
        said = result.trouble or f"{counts.passed:6} passed {counts.failed:4} failed"
        demo = result.demo_said
        lines.append(f"{result.name:12} {' '.join(result.versions):40} demo {demo:7} {said}")
        lines += [f"{'':12} failed: {test}" for test in counts.names]
    lines += [f"{name:12} left out: {reason}" for name, reason in left_out.items()]
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _read(page: str) -> dict[tuple[str, str], list[str]]:
    """The rows of each table and platform."""
    rows: dict[tuple[str, str], list[str]] = {}
    title = ""
    for line in page.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("| ") and line.split("|")[2].strip() != NEVER_RUN:
            rows.setdefault((title, line.split("|")[1].strip()), []).append(line)
    return rows
