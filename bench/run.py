# SPDX-License-Identifier: Apache-2.0
"""./dev bench: run each workload in a fresh node, keep its results, print the report."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import report
from plan import NATIVE, WORKLOADS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
QUICK_RESULTS = ROOT / "build/bench-quick"
BUILT = ROOT / "build/meson/bench/cpp"
SECONDS = 180.0  # for one process, even if it hangs


def node(file: Path, name: str, variant: str, quick: bool) -> list[str]:
    """The command that runs one workload in a separate node."""
    starter = [sys.executable, "-I", "-S", "tools/erlpy", "-pa", str(BUILT)]
    functions = ["--erl", "bench_functions:register()"]
    arguments = [*(["--quick"] if quick else []), str(file), name, variant]
    return [*starter, *functions, "bench/workload.py", *arguments]


def native(file: Path, name: str) -> list[str]:
    return [
        str(BUILT / f"{name}_bench"),
        "--benchmark_min_time=0.05",
        f"--benchmark_out={file}",
        "--benchmark_out_format=json",
    ]


def finished(command: Sequence[str]) -> bool:
    """Run a command from the root. Processes that it starts end with it. A failure shows its
    output.
    """
    with tempfile.TemporaryFile() as output:
        succeeded = in_time(command, output)
        if not succeeded:
            output.seek(0)
            print(f"\n{output.read().decode(errors='replace')}", file=sys.stderr)
    return succeeded


def in_time(command: Sequence[str], output: IO[bytes]) -> bool:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(SECONDS) == 0
    except subprocess.TimeoutExpired:
        print(f"not finished after {SECONDS:.0f} s", file=sys.stderr)
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run_workloads(names: Sequence[str], results: Path, quick: bool) -> list[str]:
    """Return the names of the workloads that failed."""
    failed = []
    for name in names:
        for variant in WORKLOADS[name]:
            file = results / f"{name}-{variant.replace(' ', '_')}.json"
            file.unlink(missing_ok=True)
            print(f"{name}, {variant} ... ", end="", flush=True)
            start = time.monotonic()
            succeeded = finished(node(file, name, variant, quick))
            succeeded = succeeded and file.exists()
            print(
                f"{'ok' if succeeded else 'FAILED'}, {time.monotonic() - start:.1f} s", flush=True
            )
            if not succeeded:
                failed.append(f"{name}, {variant}")
    return failed


def run_native(results: Path) -> list[str]:
    failed = []
    for name in NATIVE:
        print(f"{name}_bench ... ", end="", flush=True)
        succeeded = finished(native(results / f"native-{name}.json", name))
        print("ok" if succeeded else "FAILED", flush=True)
        if not succeeded:
            failed.append(f"{name}_bench")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment each: does it still run?")
    choices = (*WORKLOADS, "native")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(choices)}")
    options = parser.parse_args()
    unknown = set(options.names) - set(choices)
    if unknown:
        parser.error(f"no workload is called {', '.join(sorted(unknown))}")

    results = QUICK_RESULTS if options.quick else RESULTS
    results.mkdir(parents=True, exist_ok=True)
    names = options.names or choices
    failed = run_workloads([name for name in names if name != "native"], results, options.quick)
    # The C++ tests already run these for a moment each.
    if "native" in names and not options.quick:
        failed += run_native(results)
    report.show(results)
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
