# SPDX-License-Identifier: Apache-2.0
"""The C++ tests of loop_bridge under a sanitizer, each kind in a build folder of its own."""

import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from count import Counts
from parts import PYTHON, run_meson


@dataclass(frozen=True)
class Sanitizer:
    b_sanitize: str
    cpp_args: str
    # ThreadSanitizer can't place its shadow memory where addresses are randomised over many bits.
    fixed_addresses: bool


# Undefined behaviour must end a test, not only print. The check of vtables opens a pipe to probe
# memory: where descriptors have run out, as one test arranges, it takes every object for broken.
UNDEFINED = "-fno-sanitize-recover=undefined -fno-sanitize=vptr"

SANITIZERS = {
    "thread": Sanitizer("thread", "", fixed_addresses=True),
    "address": Sanitizer("address,undefined", UNDEFINED, fixed_addresses=False),
}
KINDS = tuple(SANITIZERS)


def run_tests(kind: str, tests: Sequence[str]) -> Counts:
    sanitizer = SANITIZERS[kind]
    folder = Path(f"build/meson-{kind}")
    options = [
        f"-Db_sanitize={sanitizer.b_sanitize}",
        "-Db_lundef=false",
        "-Dnif=false",
        "-Dbench=false",
        f"-Dcpp_args={sanitizer.cpp_args}",
    ]
    command = ["sh", "tools/native.sh", str(folder), PYTHON, "--all", *options]
    if subprocess.run(command, check=False).returncode != 0:
        return Counts(failed=1)
    return run_meson(folder, tests, wrapper=_wrapper(sanitizer))


def _wrapper(sanitizer: Sanitizer) -> str:
    """`setarch -R` where it exists and is allowed (a container may forbid it)."""
    command = ["setarch", platform.machine(), "-R"]
    if not sanitizer.fixed_addresses or shutil.which(command[0]) is None:
        return ""
    allowed = subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0
    return " ".join(command) if allowed else ""
