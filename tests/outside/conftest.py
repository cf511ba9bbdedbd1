# SPDX-License-Identifier: Apache-2.0
"""Tests of the package outside of a node, in pure Python."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "pysrc"))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
