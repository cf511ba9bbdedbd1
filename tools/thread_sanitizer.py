# SPDX-License-Identifier: Apache-2.0
"""The C++ tests of loop_bridge under ThreadSanitizer, with its Python part and without."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from count import Counts
from meson_tests import run_cpp

FOLDER = Path("build/meson-thread")
OPTIONS = ("-Db_sanitize=thread", "-Db_lundef=false", "-Dnif=false", "-Dbench=false")


def run_tests(tests: Sequence[str]) -> Counts:
    command = ["sh", "tools/native.sh", str(FOLDER), sys.executable, "--all", *OPTIONS]
    if subprocess.run(command, check=False).returncode != 0:
        return Counts(failed=1)
    return run_cpp(FOLDER, tests, wrapper=_wrapper())


def _wrapper() -> str:
    """`setarch -R` where it exists and is allowed; a container may forbid it.

    ThreadSanitizer can't place its shadow memory when many bits of addresses are random.
    """
    command = ["setarch", platform.machine(), "-R"]
    if shutil.which(command[0]) is None:
        return ""
    allowed = subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0
    return " ".join(command) if allowed else ""
