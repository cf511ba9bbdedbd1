# SPDX-License-Identifier: Apache-2.0
"""./dev fuzz [TARGET] [SECONDS]: libFuzzer over the conversions, under AddressSanitizer and UBSan.

A finding ends the run. Its input stays in build/fuzz and belongs into tests/fuzz/corpus, where the
ordinary C++ tests replay it.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

TARGETS = ("external", "object", "term", "text")
BUILD = Path("build/meson-fuzz")
FOUND = Path("build/fuzz")
SEEDS = Path("tests/fuzz/corpus")

# All code is instrumented; only the fuzzers link the engine's main(). UBSan's check of vtables
# needs descriptors, see variants.py.
CPP_ARGS = "['-fsanitize=fuzzer-no-link','-fno-sanitize-recover=undefined','-fno-sanitize=vptr']"
OPTIONS = (
    "-Dfuzz=true",
    "-Dtests=false",
    "-Dbench=false",
    "-Db_sanitize=address,undefined",
    "-Db_lundef=false",
    f"-Dcpp_args={CPP_ARGS}",
)


def build() -> bool:
    command = ["sh", "tools/native.sh", str(BUILD), sys.executable, "--all", *OPTIONS]
    environment = {**os.environ, "CC": "clang", "CXX": "clang++"}
    return subprocess.run(command, check=False, env=environment).returncode == 0


def fuzz(target: str, seconds: int) -> bool:
    """Return whether nothing was found. Inputs that reach new code are kept for the next run."""
    known = FOUND / target
    known.mkdir(parents=True, exist_ok=True)
    command = [
        str(BUILD / f"tests/fuzz/{target}_fuzz"),
        f"-max_total_time={seconds}",
        f"-artifact_prefix={FOUND / f'{target}-'}",
        "-max_len=4096",
        "-timeout=20",
        "-print_final_stats=1",
        str(known),
        str(SEEDS / target),
    ]
    # CPython is not finalized: LeakSanitizer would report the memory that CPython still has.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    print(f"== {target}, {seconds} s ==", flush=True)
    return subprocess.run(command, check=False, env=environment).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=(*TARGETS, "all"), default="all")
    parser.add_argument("seconds", nargs="?", type=int, default=30)
    options = parser.parse_args()
    if not build():
        return 1
    chosen = TARGETS if options.target == "all" else (options.target,)
    found = [target for target in chosen if not fuzz(target, options.seconds)]
    if found:
        print(f"fuzz: {', '.join(found)} found a fault; the input is in {FOUND}")
        return 1
    print("fuzz: no fault found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
