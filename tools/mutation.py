# SPDX-License-Identifier: Apache-2.0
"""./dev mutants [WORD...]: break the project on purpose in a copy; a test must notice each time.

With words, only mutants whose names contain a word. Ends with `N caught, N missed`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mirror import mirrored, share_venv

sys.path.insert(0, "tests/mutants")

from mutant import Mutant
from mutants import MUTANTS

COPY = Path("build/mutants")
LOGS = Path("build/mutant-logs")
# A test that hangs has noticed the mutant.
SECONDS = 400


def prepare() -> None:
    share_venv(mirrored(COPY))
    LOGS.mkdir(parents=True, exist_ok=True)


def run(command: list[str], log: Path) -> int:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=COPY, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            # The test runner has its processes in separate groups, and ends them.
            os.killpg(process.pid, signal.SIGINT)
            process.wait()
            return -signal.SIGINT


def try_out(mutant: Mutant) -> str:
    """Return `caught`, or why the mutant was not caught."""
    file = COPY / mutant.file
    original = file.read_text()
    if original.count(mutant.old) != 1:
        return f"missed: its text is {original.count(mutant.old)} times in {mutant.file}, not once"
    log = LOGS / f"{mutant.name.replace(' ', '_')}.log"
    log.unlink(missing_ok=True)
    try:
        file.write_text(original.replace(mutant.old, mutant.new))
        if run(["sh", "tools/build.sh", "--all"], log) != 0:
            return f"missed: does not build, see {log}"
        status = run(["sh", "dev", "test", *mutant.test], log)
    finally:
        file.write_text(original)
    return "caught" if status != 0 else f"missed by {' '.join(mutant.test)}, see {log}"


def main() -> int:
    words = sys.argv[1:]
    chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    prepare()
    missed = 0
    for mutant in chosen:
        start = time.monotonic()
        end = try_out(mutant)
        missed += end != "caught"
        print(f"{mutant.name}: {end} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(chosen) - missed} caught, {missed} missed")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
