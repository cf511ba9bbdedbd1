# SPDX-License-Identifier: Apache-2.0
"""The project in another build, in a copy under build/variants/NAME.

`./dev test` runs in the copy as usual. The variable VARIANT names the variant. tests/meson.build
chooses its tests.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from count import Counts
from mirror import mirrored, share_venv

# Undefined behaviour must end the node, not only print. The check of vtables opens a pipe to probe
# memory. Tests use up all descriptors, and then the check takes every object for broken.
UNDEFINED = "['-fno-sanitize-recover=undefined','-fno-sanitize=vptr']"

# The sanitizers' reports of all processes are files: tests may swallow the output of nodes.
REPORTS = Path("build/sanitizer-reports")


@dataclass(frozen=True)
class Variant:
    native_options: Sequence[str] = ()
    # Variables for commands that start nodes, not for compilers.
    node_environment: Callable[[], Mapping[str, str]] = dict
    packages: str = ""
    python: str = ""  # the interpreter, unless the usual one


def _address_environment() -> Mapping[str, str]:
    """The BEAM is built without AddressSanitizer, so the sanitizer's library must come first."""
    library = subprocess.run(
        ["c++", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    log = REPORTS.absolute() / "report"
    return {
        "LD_PRELOAD": library,
        # tests/leaks checks for leaks. At the end of the process, the BEAM's own memory would be
        # reported.
        "ASAN_OPTIONS": f"log_path={log}:leak_check_at_exit=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": f"log_path={log}:print_stacktrace=1",
        "LSAN_OPTIONS": f"suppressions={Path('tests/leaks/not_ours.supp').absolute()}"
        ":print_suppressions=0",
        # Each object and each binary is a separate block, so that a lost block is noticed.
        "PYTHONMALLOC": "malloc",
        "ERL_FLAGS": f"{os.environ.get('ERL_FLAGS', '')} +Mea min".strip(),
    }


VARIANTS = {
    "address": Variant(
        native_options=(
            "-Db_sanitize=address,undefined",
            "-Db_lundef=false",
            "-Dbench=false",
            f"-Dcpp_args={UNDEFINED}",
        ),
        node_environment=_address_environment,
    ),
    # CPython's assertions, the count of all references, and asyncio's own checks.
    "debug-python": Variant(
        # Debian's headers for the debug build link to the usual headers. Through the links, the
        # usual configuration would apply, and references that the library takes or releases would
        # not be counted.
        native_options=(
            "-Dbench=false",
            "-Dtests=false",
            "-Dcpp_args=-fno-canonical-system-headers",
        ),
        node_environment=lambda: {"PYTHONDEVMODE": "1"},
        packages="python3-dbg python3-venv",
        python="/usr/bin/python3-dbg",
    ),
}

# The name of the variant that this process runs in, if any.
CURRENT = os.environ.get("VARIANT", "")


def node_environment() -> Mapping[str, str]:
    return VARIANTS[CURRENT].node_environment() if CURRENT else {}


def reports_of_sanitizers() -> list[Callable[[], Counts]]:
    """What to count last in a variant with sanitizers: their reports."""
    if CURRENT != "address":
        return []
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    return [_count_reports]


def _count_reports() -> Counts:
    """Each report of a sanitizer is a failure, whatever the result of its test."""
    reports = sorted(REPORTS.glob("*"))
    for report in reports:
        print(f"== {report.name} ==\n{report.read_text(errors='replace')}", flush=True)
    return Counts(failed=len(reports)) if reports else Counts(passed=1)


def run_tests(name: str, arguments: Sequence[str]) -> int:
    """Run `./dev test ARGUMENTS` in the variant; return the exit status."""
    variant = VARIANTS[name]
    environment = {
        **os.environ,
        "VARIANT": name,
        "NATIVE_OPTIONS": " ".join(variant.native_options),
        "EXTRA_PACKAGES": variant.packages,
    }
    if variant.python:
        environment["PYTHON"] = variant.python
    folder = mirrored(Path("build/variants", name))
    if not variant.python:
        share_venv(folder)
    return subprocess.run(
        ["sh", "dev", "test", *arguments], cwd=folder, env=environment, check=False
    ).returncode
