# SPDX-License-Identifier: Apache-2.0
"""Run Common Test suites for a part of the tests."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from variants import node_environment

# As rebar.config says.
LOGS = Path("build/ct_logs")


def suites_in(place: Path) -> list[Path]:
    return sorted(place.rglob("*_SUITE.erl")) if place.is_dir() else [place]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", help="its JUnit files are in build/test-results/PART")
    parser.add_argument("suites", nargs="+", type=Path, help="suites, or folders of suites")
    parser.add_argument("--only", action="append", type=Path, help="run this suite instead")
    options = parser.parse_args()
    suites = [suite for place in options.only or options.suites for suite in suites_in(place)]
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    status = subprocess.run(
        ["rebar3", "ct", "--suite", ",".join(map(str, suites))],
        env={**os.environ, **node_environment()},
        check=False,
    ).returncode
    reports = Path("build/test-results", options.part)
    for number, report in enumerate(sorted(LOGS.rglob("junit_report.xml"))):
        shutil.copy(report, reports / f"{number}.xml")
    return status


if __name__ == "__main__":
    sys.exit(main())
