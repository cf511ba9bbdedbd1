# SPDX-License-Identifier: Apache-2.0
"""Counts test results in JUnit XML, the format that all runners here can write."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Common Test lists these functions as cases. They count only if they fail.
FRAMES = {"init_per_suite", "end_per_suite", "init_per_group", "end_per_group"}


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # Names of failed tests, if a report has them.
    names: tuple[str, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.names + other.names,
        )


def count_junit(files: Iterable[Path]) -> Counts:
    """Add up the test cases of JUnit files; an unreadable file is one failure."""
    total = Counts()
    for file in files:
        try:
            root = ET.parse(file).getroot()
        except (OSError, ET.ParseError):
            total += Counts(failed=1)
            continue
        for case in root.iter("testcase"):
            total += _count_case(case)
    return total


def _count_case(case: ET.Element) -> Counts:
    if case.find("failure") is not None or case.find("error") is not None:
        place, name = case.get("classname", ""), case.get("name", "")
        return Counts(failed=1, names=(f"{place}:{name}" if place else name,))
    if case.find("skipped") is not None:
        return Counts(skipped=1)
    if case.get("name") in FRAMES:
        return Counts()
    return Counts(passed=1)
