# SPDX-License-Identifier: Apache-2.0
"""Runs tests that the build declares, with Meson: it ends a late test with its children."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from count import Counts, count_junit

BUILD = Path("build/meson")
RESULTS = Path("build/test-results")


def declared(suite: str) -> list[str]:
    """Return the names of the suite's tests, in the order of their declaration."""
    listing = json.loads((BUILD / "meson-info/intro-tests.json").read_text())
    return [test["name"] for test in listing if f"erlang_python:{suite}" in test["suite"]]


def run_cpp(folder: Path = BUILD, units: Sequence[str] = (), *, wrapper: str = "") -> Counts:
    # A wrapper's name becomes part of the report's name.
    reports = "meson-logs/testlog*.junit.xml"
    for old in folder.glob(reports):
        old.unlink()
    options = ["--no-suite=parts", "--print-errorlogs", "-j2"]
    if wrapper:
        options.append(f"--wrapper={wrapper}")
    status = _meson_test(folder, *options, *units)
    return _checked(count_junit(folder.glob(reports)), status, "the C++ tests")


def run_part(name: str, arguments: Sequence[str] = (), *, limited: bool = False) -> Counts:
    """Run a part, or what the arguments for the part's command choose of the part.

    ``limited``: the part must end within the time that tests/meson.build gives it.
    """
    reports = RESULTS / name
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    options = ["--verbose", f"--test-args={shlex.join(arguments)}"]
    if not limited:
        options.append("--timeout-multiplier=0")
    status = _meson_test(BUILD, name, *options)
    counts = count_junit(sorted(reports.glob("*.xml")))
    if status == 0 and counts == Counts():
        # A script without cases is one test.
        return Counts(passed=1)
    return _checked(counts, status, f"part {name}")


def _meson_test(folder: Path, *arguments: str) -> int:
    runner = [sys.executable, "-m", "mesonbuild.mesonmain", "test", "-C", str(folder)]
    process = subprocess.Popen([*runner, "--no-rebuild", *arguments])
    try:
        return process.wait()
    except BaseException:
        # Ctrl-C alone makes Meson go on with the next test.
        process.terminate()
        process.wait()
        raise


def _checked(counts: Counts, status: int, what: str) -> Counts:
    """Count a command that failed, or ran nothing, as one failure if no test has failed."""
    if counts.failed == 0 and (status != 0 or counts == Counts()):
        print(f"{what} ended with status {status}, {counts.passed} passed: counted as one failure")
        return counts + Counts(failed=1)
    return counts
