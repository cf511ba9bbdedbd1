# SPDX-License-Identifier: Apache-2.0
"""The parts of the test suite: what each part needs, how it runs, and where its results are."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from count import Counts, count_junit
from process import run
from variants import node_environment

RESULTS = Path("build/test-results")
VENV_BIN = Path("build/venv/bin").absolute()
PYTHON = str(VENV_BIN / "python3")
CT_LOGS = Path("build/ct_logs")
# The folders of Common Test suites.
SUITES = (Path("tests/erl"), Path("tests/faults"))
# The whole run has 25 minutes. One part must not use them up, even if the part hangs.
PART_SECONDS = 15 * 60.0


@dataclass(frozen=True)
class Part:
    name: str
    needs_build: bool
    present: Callable[[], bool]
    run: Callable[[], Counts]


def checked(counts: Counts, status: int, what: str) -> Counts:
    """Count a command that failed, or ran nothing, as one failure if no test has failed."""
    if counts.failed == 0 and (status != 0 or counts == Counts()):
        print(f"{what} ended with status {status}, {counts.passed} passed: counted as one failure")
        return counts + Counts(failed=1)
    return counts


def node_options(folder: str, register: Sequence[str] = ()) -> list[str]:
    """Compile the Erlang functions of tests/FOLDER/support; make the node register them.

    ``register``: the modules that register functions, if not all.
    """
    beams = Path("build/test-beams", folder)
    shutil.rmtree(beams, ignore_errors=True)
    beams.mkdir(parents=True)
    sources = sorted(Path("tests", folder, "support").glob("*.erl"))
    if sources:
        run(["erlc", "-Werror", "-o", str(beams), *map(str, sources)], seconds=PART_SECONDS)
    options = ["-pa", str(beams)]
    for module in register or [source.stem for source in sources]:
        options += ["--erl", f"{module}:register()"]
    return options


def run_pytest(
    name: str,
    arguments: Sequence[str],
    *,
    in_node: bool,
    folder: str = "",
    node: Sequence[str] = (),
) -> Counts:
    """Run pytest, on request in a node with the functions of tests/FOLDER/support."""
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    starter = [PYTHON]
    if in_node:
        starter = [PYTHON, "-I", "-S", "tools/erlpy", *node_options(folder or name), *node]
    command = [*starter, "-m", "pytest", f"--junit-xml={report.absolute()}", *arguments]
    status = run(command, seconds=PART_SECONDS, environment=node_environment())
    counts = count_junit([report]) if report.exists() else Counts()
    return checked(counts, status, f"pytest ({name})")


def run_meson(folder: Path, tests: Sequence[str] = (), *, wrapper: str = "") -> Counts:
    # A wrapper's name becomes part of the report's name.
    reports = "meson-logs/testlog*.junit.xml"
    for old in folder.glob(reports):
        old.unlink()
    command = [PYTHON, "-m", "mesonbuild.mesonmain", "test", "-C", str(folder), "--no-rebuild"]
    if wrapper:
        command.append(f"--wrapper={wrapper}")
    status = run([*command, "--print-errorlogs", "-j", "2", *tests], seconds=PART_SECONDS)
    return checked(count_junit(folder.glob(reports)), status, "meson test")


def meson_tests(folder: Path = Path("build/meson")) -> list[str]:
    listing = folder / "meson-info/intro-tests.json"
    if not listing.exists():
        return []
    return [str(test["name"]) for test in json.loads(listing.read_text())]


def run_common_test(suites: Sequence[str] = ()) -> Counts:
    shutil.rmtree(CT_LOGS, ignore_errors=True)
    CT_LOGS.mkdir(parents=True)
    command = ["rebar3", "ct"]
    if suites:
        command += ["--suite", ",".join(suites)]
    status = run(command, seconds=PART_SECONDS, environment=node_environment())
    return checked(count_junit(sorted(CT_LOGS.rglob("junit_report.xml"))), status, "rebar3 ct")


def run_faults() -> Counts:
    return run_common_test([str(file) for file in sorted(SUITES[1].glob("*_SUITE.erl"))])


def run_eunit() -> Counts:
    folder = RESULTS / "eunit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    status = run(["rebar3", "eunit"], seconds=PART_SECONDS)
    return checked(count_junit(sorted(folder.glob("*.xml"))), status, "rebar3 eunit")


def run_erlang() -> Counts:
    counts = Counts()
    if any(Path("tests/erl").rglob("*_SUITE.erl")):
        counts += run_common_test()
    if any(Path("tests/erl").rglob("*_tests.erl")):
        counts += run_eunit()
    return counts


def run_script(name: str, command: Sequence[str]) -> Counts:
    """Run a check that has only an exit status; it counts as one test."""
    status = run(command, seconds=PART_SECONDS)
    if status == 0:
        return Counts(passed=1)
    print(f"{name} ended with status {status}")
    return Counts(failed=1)


def run_python() -> Counts:
    """Run all tests with the best descriptors, and tests that depend on them also with pipes."""
    pipes = ["--config", "tests/python/support/pipe.config"]
    return run_pytest("python", ["tests/python"], in_node=True) + run_pytest(
        "python-pipes", ["-m", "channel", "tests/python"], in_node=True, folder="python", node=pipes
    )


def _pytest_part(name: str, *, in_node: bool) -> Part:
    folder = Path("tests") / name
    return Part(
        name,
        needs_build=in_node,
        present=lambda: any(folder.rglob("test_*.py")),
        run=lambda: run_pytest(name, [str(folder)], in_node=in_node),
    )


PARTS = (
    _pytest_part("house", in_node=False),
    # Outside of a node: the tests start nodes, as users do.
    replace(_pytest_part("erlpy", in_node=False), needs_build=True),
    Part(
        "cpp",
        needs_build=True,
        present=Path("tests/cpp/meson.build").exists,
        run=lambda: run_meson(Path("build/meson")),
    ),
    Part(
        "erl",
        needs_build=True,
        present=lambda: any(Path("tests/erl").rglob("*.erl")),
        run=run_erlang,
    ),
    Part(
        "faults",
        needs_build=True,
        present=lambda: any(SUITES[1].glob("*_SUITE.erl")),
        run=run_faults,
    ),
    Part(
        "python",
        needs_build=True,
        present=lambda: any(Path("tests/python").rglob("test_*.py")),
        run=run_python,
    ),
    _pytest_part("web", in_node=True),
    # Half a minute of ./dev soak, outside of a node.
    replace(_pytest_part("soak", in_node=False), needs_build=True),
    Part(
        "demo",
        needs_build=True,
        present=Path("demo/run.sh").exists,
        run=lambda: run_script("demo", ["sh", "demo/run.sh", "--check"]),
    ),
    replace(_pytest_part("examples", in_node=False), needs_build=True),
    Part(
        "bench",
        needs_build=True,
        present=Path("bench/run.py").exists,
        run=lambda: run_script("bench", [PYTHON, "bench/run.py", "--quick"]),
    ),
)
