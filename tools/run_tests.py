# SPDX-License-Identifier: Apache-2.0
"""./dev test: build, run every part or a chosen test, and end with `N passed, N failed`.

tests/meson.build declares the parts.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import thread_sanitizer
import variants
from count import Counts
from meson_tests import BUILD, RESULTS, declared, run_cpp, run_part


@dataclass(frozen=True)
class Part:
    name: str
    run: Callable[[], Counts]


@dataclass(frozen=True)
class Outcome:
    name: str
    counts: Counts
    seconds: float


def prepared(name: str | None) -> bool:
    """Build what the tests need. The tests of the house only read files."""
    command = ["sh", "tools/build.sh", "--all"]
    if name is not None and name.split("/")[:2] in (["house"], ["tests", "house"]):
        command = ["sh", "tools/native.sh", str(BUILD), sys.executable, "--configure"]
    return subprocess.run(command, check=False).returncode == 0


def all_parts() -> list[Part]:
    cpp = [Part("cpp", run_cpp)] if declared("cpp") else []
    return cpp + [Part(name, partial(run_part, name, limited=True)) for name in declared("parts")]


def chosen_part(name: str, arguments: Sequence[str]) -> Part:
    """Find the meaning of NAME: a part, a pytest file, a Common Test suite, or a C++ test.

    A chosen test may take any time; FAULT_SEEDS=1000 needs much.
    """
    parts = declared("parts")
    path = Path(name.partition("::")[0])
    suite, unit = path.stem, path.stem.removesuffix("_test")
    suites = sorted(Path("tests").glob(f"*/{suite}.erl")) if suite.endswith("_SUITE") else []
    if name in parts:
        return Part(name, partial(run_part, name, arguments))
    if name == "cpp":
        return Part(name, run_cpp)
    if path.parts[:1] == ("tests",) and path.exists() and path.parts[1] in parts:
        return Part(path.parts[1], partial(run_part, path.parts[1], [name, *arguments]))
    if suites:
        part = "faults" if suites[0].is_relative_to("tests/faults") else "erl"
        return Part(part, partial(run_part, part, [f"--only={suite}" for suite in suites]))
    if unit in declared("cpp"):
        return Part("cpp", partial(run_cpp, units=[unit]))
    raise SystemExit(f"no test is called {name}; parts: {' '.join(['cpp', *parts])}")


def run_all(parts: Sequence[Part]) -> list[Outcome]:
    outcomes = []
    for part in parts:
        print(f"== {part.name} ==", flush=True)
        started = time.monotonic()
        outcomes.append(Outcome(part.name, part.run(), time.monotonic() - started))
    return outcomes


def report(outcomes: Sequence[Outcome]) -> int:
    total = sum((outcome.counts for outcome in outcomes), Counts())
    parts = [[outcome.name, *astuple(outcome.counts)] for outcome in outcomes]
    (RESULTS / "summary.json").write_text(json.dumps(parts))
    print("== results ==")
    for outcome in outcomes:
        for name in outcome.counts.names:
            print(f"failed in {outcome.name}: {name}")
    for outcome in outcomes:
        counts = outcome.counts
        print(
            f"{outcome.name:8} {counts.passed:6} ok {counts.failed:4} bad"
            f" {counts.skipped:4} skipped {outcome.seconds:7.1f} s"
        )
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed or not total.passed else 0


def terminated(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, terminated)
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__)
    parser.add_argument("name", nargs="?", help="a part, a pytest file, a suite, a C++ test")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--sanitize", choices=["thread", "address"], help="build with a sanitizer and run under it"
    )
    kind.add_argument("--debug-python", action="store_true", help="embed a debug build of CPython")
    options, arguments = parser.parse_known_args()
    tests = [name for name in (options.name, *arguments) if name]
    if options.sanitize == "address" or options.debug_python:
        return variants.run_tests(options.sanitize or "debug-python", tests)
    venv = Path(sys.executable).parent
    os.environ["PATH"] = f"{venv}{os.pathsep}{os.environ['PATH']}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    if options.sanitize == "thread":
        return report(run_all([Part("thread", partial(thread_sanitizer.run_tests, tests))]))
    print("== build ==", flush=True)
    if not prepared(options.name):
        return report([Outcome("build", Counts(failed=1), 0.0)])
    reports = variants.reports_of_sanitizers()
    parts = all_parts() if options.name is None else [chosen_part(options.name, arguments)]
    return report(run_all([*parts, *(Part("reports", count) for count in reports)]))


if __name__ == "__main__":
    sys.exit(main())
