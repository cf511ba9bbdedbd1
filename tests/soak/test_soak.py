# SPDX-License-Identifier: Apache-2.0
"""The program itself: half a minute of everything. It finds intentional leaks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30
# Each run takes less than a minute on a quiet machine.
MOST_SECONDS = 400


def soak(results: Path, seconds: int, *options: str) -> tuple[str, int]:
    ended = subprocess.run(
        [sys.executable, "tools/soak.py", str(seconds), "--results", str(results), *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    print(ended.stdout)
    return ended.stdout, ended.returncode


def summary(results: Path) -> dict[str, Any]:
    return json.loads((results / "summary.json").read_text())  # type: ignore[no-any-return]


def test_half_a_minute_of_everything_loses_no_call_and_leaves_nothing(tmp_path: Path) -> None:
    output, status = soak(tmp_path, SECONDS)
    assert status == 0, output
    found = summary(tmp_path)
    assert found["wrong"] == []
    for kinds in found["kinds"].values():
        assert all(0 < kind["issued"] == kind["ended"] for kind in kinds.values())
    assert not any(drift["failed"] for drift in found["drift"].values())
    assert f"seed {found['seed']}\n" in output
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert {True, False} == {sample["quiet"] for sample in samples}
    picture = ElementTree.parse(tmp_path / "soak.svg").getroot()
    assert picture.tag.endswith("svg")


def test_processes_that_leak_are_found(tmp_path: Path) -> None:
    _, status = soak(tmp_path, 12, "--leak", "process")
    assert status != 0
    assert any("not back where it was: processes" in each for each in summary(tmp_path)["wrong"])


def test_memory_that_leaks_is_found(tmp_path: Path) -> None:
    _, status = soak(tmp_path, 12, "--leak", "list")
    assert status != 0
    drift = summary(tmp_path)["drift"]
    assert drift["python_blocks"]["failed"]
    assert drift["rss"]["failed"]
