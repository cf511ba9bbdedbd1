# SPDX-License-Identifier: Apache-2.0
"""Coverage counts the lines that run in contexts, nested requests, hosted loops and threads."""

import json
import sys

import observed
import pytest
from conftest import ERLPY, PYTHON, Place

# The ways in which coverage observes: in C, in Python, by the interpreter's own events.
CORES = ["ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 14) else [])]

# Not in the node's main thread: coverage begins and ends in requests of Erlang processes.
BY_REQUESTS = """\
elsewhere("py", "call", "recorder", "begin", [])
call_all()
elsewhere("py", "call", "recorder", "end", [])
"""

RECORDER = """\
import coverage
recorded = coverage.Coverage(branch=True, include=["library.py"])
def begin():
    recorded.start()
def end():
    recorded.stop()
    recorded.save()
"""


def missing(place: Place) -> tuple[list[int], list[list[int]]]:
    """Lines and branches of the library that never ran, by coverage's own report."""
    told = place.run(PYTHON, "-m", "coverage", "json", "-q", "-o", "-")
    assert told.status == 0, told
    report = json.loads(told.output)["files"]["library.py"]
    return report["missing_lines"], report["missing_branches"]


@pytest.mark.parametrize("core", CORES)
def test_a_program_is_run_by_coverage(place: Place, core: str) -> None:
    observed.write(place, "call_all()\n")
    options = ["--branch", "--include=library.py"]
    ended = place.run(
        [*ERLPY, *observed.REGISTER],
        *("-m", "coverage", "run", *options, "program.py"),
        COVERAGE_CORE=core,
    )
    assert (ended.status, ended.error) == (0, "")
    assert missing(place) == ([], [])


@pytest.mark.parametrize("core", CORES)
def test_requests_begin_and_end_coverage(place: Place, core: str) -> None:
    observed.write(place, BY_REQUESTS)
    place.write("recorder.py", RECORDER)
    ended = place.run([*ERLPY, *observed.REGISTER], "program.py", COVERAGE_CORE=core)
    assert (ended.status, ended.error) == (0, "")
    assert missing(place) == ([], [])
