# SPDX-License-Identifier: Apache-2.0
"""The mutants fit the sources and name existing tests. `./dev mutants` runs them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mutants"))

from mutant import Mutant
from mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_its_source(root: Path, mutant: Mutant) -> None:
    assert (root / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_test_that_notices_a_mutant_is_there(root: Path, mutant: Mutant) -> None:
    name = Path(mutant.test[0])
    patterns = [f"**/{name.stem}.{suffix}" for suffix in ("erl", "cpp", "py")]
    assert [file for pattern in patterns for file in (root / "tests").glob(pattern)]
