# SPDX-License-Identifier: Apache-2.0
"""./dev matrix: run the demo's check and all tests, in a clean Debian tree for each platform."""

import argparse
import concurrent.futures
import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import matrix_report
from count import Counts
from matrix_report import Result
from matrix_tree import PROJECT, RUNNING, Tree, TreeError

# The length of a commit's name on the page.
SHOWN = 7


@dataclass(frozen=True)
class Platform:
    name: str
    suite: str
    # Debian's packages, in addition to those that `./dev` installs.
    packages: tuple[str, ...] = ()
    # PYTHON= in the tree.
    python: str = ""
    # A version of CPython that Debian's suite lacks. The tree borrows this machine's interpreter.
    lent: str = ""


# The libraries of a CPython that was built on Debian 12.
LIBRARIES = "libbz2-1.0 libexpat1 libffi8 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3"
PLATFORMS = (
    Platform("debian12", "bookworm"),
    Platform("python3.12", "bookworm", tuple(LIBRARIES.split()), lent="3.12"),
    Platform("debian13", "trixie"),
    Platform("sid", "sid"),
    Platform(
        "sid-3.15",
        "sid",
        ("python3.15", "python3.15-dev", "python3.15-venv"),
        python="/usr/bin/python3.15",
    ),
)
VERSIONS = """\
cat /etc/debian_version
erl -noshell -eval '{ok, V} = file:read_file(filename:join([code:root_dir(), "releases",
    erlang:system_info(otp_release), "OTP_VERSION"])), io:put_chars(V), halt().'
build/venv/bin/python3 -c 'import platform; print(platform.python_version())'
c++ -dumpfullversion
"""


def lent_python(version: str) -> str:
    """This machine's interpreter of the version, outside the system's folders; "" if none."""
    named = os.environ.get(f"MATRIX_PYTHON_{version.replace('.', '_')}", "")
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [named] if named else sorted(map(str, versions.glob(f"{version}.*/bin/python3")))
    for candidate in reversed(candidates):
        done = subprocess.run(
            ["sh", "tools/python.sh"],
            env={**os.environ, "PYTHON": candidate},
            capture_output=True,
            text=True,
            check=False,
        )
        found = done.stdout.strip()
        if done.returncode == 0 and Path(found).parent.parent != Path("/usr"):
            return found
    return ""


def in_project(command: str) -> list[str]:
    return ["sh", "-c", f"cd {PROJECT} && {command}"]


class Run:
    """One platform's run; its logs are in build/matrix/NAME."""

    def __init__(self, platform: Platform, options: argparse.Namespace, commit: str) -> None:
        self._options = options
        self._platform = platform
        self._commit = commit
        self._result = Result(platform.name, datetime.date.today().isoformat(), commit[:SHOWN])
        self._python = platform.python
        binds: tuple[Path, ...] = ()
        if platform.lent:
            self._python = lent_python(platform.lent)
            binds = (Path(self._python).parent.parent,)
        self._tree = Tree(platform.name, platform.suite, binds)

    def go(self) -> Result:
        self._tree.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare()
            if self._options.only is None:
                self._result.demo = self._step("./dev demo --check", "demo.log") == 0
            self._test()
        except TreeError as error:
            self._result.trouble = str(error)
        self._say(matrix_report.screen([self._result], {}))
        return self._result

    def _prepare(self) -> None:
        with self._log("tree.log") as log:
            packages = self._platform.packages
            if not (self._options.only and self._tree.project.exists()):
                self._tree.prepare(packages, fresh=self._options.fresh, log=log)
            self._tree.clone(self._commit, keep_build=self._options.only is not None, log=log)

    def _test(self) -> None:
        summary = self._tree.project / "build/test-results/summary.json"
        summary.unlink(missing_ok=True)
        status = self._step(f"./dev test {self._options.only or ''}".strip(), "test.log")
        versions = self._tree.output(in_project(VERSIONS)).splitlines()
        if len(versions) == 4:
            self._result.versions = versions
        if not summary.exists():
            raise TreeError(f"./dev test ended with {status} and no result")
        for name, passed, failed, skipped, names in json.loads(summary.read_text()):
            self._result.parts[name] = Counts(passed, failed, skipped, tuple(names))

    def _step(self, command: str, log_name: str) -> int:
        variables = {"PYTHON": self._python} if self._python else {}
        with self._log(log_name) as log:
            return self._tree.run(in_project(command), log, **variables)

    def _log(self, name: str) -> TextIO:
        path = self._tree.folder / name
        self._say(f"log: {path.relative_to(Path.cwd())}")
        return path.open("w")

    def _say(self, text: str) -> None:
        print(f"{self._platform.name}: {text}", flush=True)


def run_all(platforms: Sequence[Platform], options: argparse.Namespace) -> list[Result]:
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(Run(platform, options, commit).go) for platform in platforms]
        try:
            return [run.result() for run in runs]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            RUNNING.end()
            raise


def chosen(names: Sequence[str]) -> list[Platform]:
    known = [platform.name for platform in PLATFORMS]
    if unknown := set(names) - set(known):
        said = " ".join(sorted(unknown))
        raise SystemExit(f"dev: no platform is called {said}; there are: {' '.join(known)}")
    return [platform for platform in PLATFORMS if not names or platform.name in names]


def interrupted(number: int, _frame: object) -> None:
    print("dev: interrupted; ending every tree's processes", file=sys.stderr)
    sys.exit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev matrix", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="platforms; all, if none is named")
    parser.add_argument("--fresh", action="store_true", help="make the trees anew")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trees at the same time")
    parser.add_argument(
        "--only", metavar="TEST", help="for developing: one test, in a build that is kept; no page"
    )
    options = parser.parse_args()
    platforms = chosen(options.names)
    if os.geteuid() != 0:
        raise SystemExit("dev: ./dev matrix makes Debian trees and runs in them; run it as root")
    # The background processes of a script ignore these signals, and children would inherit that.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, interrupted)
    left_out = {
        platform.name: f"no CPython {platform.lent} on this machine"
        for platform in platforms
        if platform.lent and not lent_python(platform.lent)
    }
    results = run_all([p for p in platforms if p.name not in left_out], options)
    if options.only is None:
        matrix_report.write(results, [platform.name for platform in PLATFORMS], left_out)
    print("== platforms ==")
    print(matrix_report.screen(results, left_out))
    good = sum(result.good for result in results)
    print(f"matrix: {good} platforms good, {len(results) - good} not, {len(left_out)} left out")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
