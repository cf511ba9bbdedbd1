# SPDX-License-Identifier: Apache-2.0
"""The house rules look at the project's own files, as git lists them."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Offenders = Callable[[Iterable[str]], None]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file that is or will be committed, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted(set(filter(None, listing.split("\0"))))
    return [Path(name) for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def text(root: Path) -> Callable[[Path], str]:
    return lambda file: (root / file).read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def expect_none() -> Offenders:
    """Fail if there are offenders; the message has one offender in each line."""

    def check(offenders: Iterable[str]) -> None:
        found = list(offenders)
        assert not found, "\n" + "\n".join(found)

    return check
