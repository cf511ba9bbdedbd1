# SPDX-License-Identifier: Apache-2.0
"""The tests that run in a variant when none is named: all that the variant's build may affect."""

import shutil
from collections.abc import Callable
from pathlib import Path

from count import Counts
from parts import PARTS, Part, run_common_test, run_pytest
from variants import CURRENT, REPORTS

# The suites use each native function from many processes, and end all their objects.
SUITES = (
    *("call", "callback", "context", "held_context", "async", "conversion", "interrupt"),
    *("nested", "stream", "overload", "loop", "loop_end", "stop", "failure", "churn"),
)
# The last suite, in the same node: the memory that all earlier tests have lost.
LEAKS = Path("tests/leaks")
# Its 100,000 threads would find nothing that fewer threads do not find.
SLOW = "--ignore=tests/python/test_scale.py"
LEFT_OUT = {
    "address": (
        # Frames of AddressSanitizer are several times larger.
        "--deselect=tests/python/test_conversion_refusals.py::test_deep_values_fit_a_small_stack",
        # Python counts no blocks if malloc is its allocator.
        "--deselect=tests/python/test_reference_balance.py::test_a_kept_reference_would_be_noticed",
    ),
    # References taken by uvloop are not counted: its wheel is for any interpreter.
    "debug-python": ("-k", "not (test_reference_balance and uvloop)"),
}


def variant_parts() -> list[Part]:
    python = _part("python", _run_python)
    if CURRENT != "address":
        return [python]
    cpp = next(part for part in PARTS if part.name == "cpp")
    return [cpp, _part("erl", _run_suites), python]


def reports_part() -> list[Part]:
    """For the end of each run in a variant with sanitizers: their reports."""
    if CURRENT != "address":
        return []
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    return [_part("reports", _read_reports)]


def _part(name: str, run: Callable[[], Counts]) -> Part:
    return Part(name, needs_build=True, present=lambda: True, run=run)


def _run_suites() -> Counts:
    suites = [f"tests/erl/{name}_SUITE" for name in SUITES]
    return run_common_test([*suites, str(LEAKS / "leak_SUITE")])


def _run_python() -> Counts:
    last = [str(LEAKS)] if CURRENT == "address" else []
    tests = [SLOW, *LEFT_OUT[CURRENT], "tests/python", *last]
    return run_pytest("python", tests, in_node=True)


def _read_reports() -> Counts:
    """Each report of a sanitizer is a failure, whatever the result of its test."""
    reports = sorted(REPORTS.glob("*"))
    for report in reports:
        print(f"== {report.name} ==\n{report.read_text(errors='replace')}", flush=True)
    return Counts(failed=len(reports)) if reports else Counts(passed=1)
