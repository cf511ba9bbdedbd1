# SPDX-License-Identifier: Apache-2.0
"""./dev test: build, run every part or a chosen part, and end with `N passed, N failed`."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import thread_sanitizer
import variants
from count import Counts
from parts import (
    PARTS,
    RESULTS,
    SUITES,
    VENV_BIN,
    Part,
    meson_tests,
    run_common_test,
    run_meson,
    run_pytest,
)
from variant_parts import reports_part, variant_parts


@dataclass
class Outcome:
    name: str
    counts: Counts
    seconds: float


def build() -> bool:
    return subprocess.run(["sh", "tools/build.sh", "--all"], check=False).returncode == 0


def run_parts(parts: Sequence[Part]) -> list[Outcome]:
    """Run first what needs no build, so that the first results come at once."""
    outcomes = []
    built: bool | None = None
    for part in sorted(parts, key=lambda part: part.needs_build):
        started = time.monotonic()
        if part.needs_build and built is None:
            print("== build ==", flush=True)
            built = build()
            if not built:
                outcomes.append(Outcome("build", Counts(failed=1), time.monotonic() - started))
            started = time.monotonic()
        if part.needs_build and not built:
            continue
        print(f"== {part.name} ==", flush=True)
        outcomes.append(Outcome(part.name, part.run(), time.monotonic() - started))
    return outcomes


def named_part(name: str, arguments: list[str], parts: Sequence[Part]) -> Part:
    """Find the meaning of NAME: a part, a pytest file, a Common Test suite, or a C++ test."""
    for part in parts:
        if part.name == name and not arguments:
            if not part.present():
                raise SystemExit(f"part {name} has no tests")
            return part
    if name in ("house", "erlpy", "python", "web", "soak", "examples"):
        name = f"tests/{name}"
    path = Path(name.partition("::")[0])
    if (
        path.parts[:1] == ("tests",)
        and path.parts[1:]
        and path.exists()
        and path.suffix in ("", ".py")
    ):
        folder = path.parts[1]
        in_node = folder not in ("house", "erlpy", "soak", "examples")
        chosen = [name, *arguments]
        return one_off(
            "pytest",
            lambda: run_pytest("named", chosen, in_node=in_node, folder=folder),
            folder != "house",
        )
    suite = path.stem
    found = [file for folder in SUITES for file in sorted(folder.rglob(f"{suite}.erl"))]
    if suite.endswith("_SUITE") and found:
        return one_off("erl", lambda: run_common_test([str(file) for file in found]))
    unit = suite.removesuffix("_test")
    if unit in meson_tests():
        return one_off("cpp", lambda: run_meson(Path("build/meson"), [unit]))
    choices = " ".join(part.name for part in parts)
    raise SystemExit(f"no test is called {name}; parts: {choices}")


def one_off(name: str, run: Callable[[], Counts], needs_build: bool = True) -> Part:
    return Part(name, needs_build, present=lambda: True, run=run)


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


def main() -> int:
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
    os.environ["PATH"] = f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    if options.sanitize == "thread":
        started = time.monotonic()
        counts = thread_sanitizer.run_tests(tests)
        return report([Outcome("thread", counts, time.monotonic() - started)])
    known = variant_parts() if variants.CURRENT else PARTS
    if options.name is None:
        parts = [part for part in known if part.present()]
    else:
        parts = [named_part(options.name, arguments, known)]
    return report(run_parts([*parts, *reports_part()]))


if __name__ == "__main__":
    sys.exit(main())
