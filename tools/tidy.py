# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over loop_bridge/ and nif/; a file that passed is checked again when it changes.

A file is identified by its preprocessed text, with everything that it includes. This takes a few
hundred milliseconds instead of many seconds.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BUILD = Path("build/meson")
PASSED = Path("build/tidy")
CHECKED = re.compile(r"/(loop_bridge|nif)/[^:]*\.cpp$")
# Compiler options for output files. They are dropped with their values.
OUTPUTS = ("-o", "-MF", "-MQ", "-MT")


@dataclass(frozen=True)
class Unit:
    source: Path
    folder: Path
    command: list[str]

    def preprocessed(self) -> bytes:
        words = iter(self.command)
        kept = []
        for word in words:
            if word in OUTPUTS:
                next(words)
            elif word not in ("-c", "-MD", "-MMD"):
                kept.append(word)
        done = subprocess.run([*kept, "-E"], cwd=self.folder, capture_output=True, check=True)
        return done.stdout


def units() -> list[Unit]:
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        folder = Path(entry["directory"])
        source = (folder / entry["file"]).resolve()
        if CHECKED.search(str(source)) and "tests" not in entry["output"]:
            found[source] = Unit(source, folder, shlex.split(entry["command"]))
    return list(found.values())


def check(unit: Unit, tidy: str, settings: bytes) -> str:
    """Return the findings of clang-tidy, or nothing."""
    key = hashlib.sha256(settings + str(unit.source).encode() + unit.preprocessed()).hexdigest()
    stamp = PASSED / key
    if stamp.exists():
        return ""
    done = subprocess.run(
        [tidy, "--quiet", "--extra-arg=-fno-color-diagnostics", f"-p={BUILD}", str(unit.source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        stamp.touch()
        return ""
    return done.stdout or done.stderr


def main() -> int:
    tidy = shutil.which("clang-tidy")
    if tidy is None:
        print("clang-tidy is not installed; ./dev lint installs it")
        return 1
    PASSED.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([tidy, "--version"], capture_output=True, check=True).stdout
    settings = version + Path(".clang-tidy").read_bytes()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = list(pool.map(lambda unit: check(unit, tidy, settings), units()))
    # A finding in a header is reported once for each source that includes the header.
    blocks = {block for finding in findings for block in split_findings(finding)}
    print("".join(sorted(blocks)), end="")
    return 1 if any(findings) else 0


# Paths are printed as in the compile commands, relative to the build folder.
UPWARDS = re.compile(rf"^(?:{re.escape(str(BUILD.resolve()))}/)?\.\./\.\./", re.MULTILINE)
FINDING = re.compile(r"^(?=\S+:\d+:\d+: error)", re.MULTILINE)


def split_findings(output: str) -> list[str]:
    return [part for part in FINDING.split(UPWARDS.sub("", output)) if part]


if __name__ == "__main__":
    sys.exit(main())
