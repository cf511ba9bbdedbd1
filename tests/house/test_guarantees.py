# SPDX-License-Identifier: Apache-2.0
"""docs/guarantees.md names tests. Each of them exists and runs."""

import re
from pathlib import Path

import pytest

FOLDERS = {".py": "tests/**/{}", "_SUITE": "tests/**/{}.erl", "_test": "tests/cpp/**/{}.cpp"}


def named_tests(text: str) -> list[tuple[str, str]]:
    """Pairs of a file and a case. In the document, a file's cases follow its name and a colon."""
    pairs = []
    for file, cases in re.findall(r"`([\w.]+)`: ((?:`\w+`(?:, )?)+)", text):
        pairs += [(file, case) for case in re.findall(r"`(\w+)`", cases)]
    return pairs


def source_of(root: Path, file: str) -> str:
    patterns = [pattern for end, pattern in FOLDERS.items() if file.endswith(end)]
    found = [path for pattern in patterns for path in root.glob(pattern.format(file))]
    assert len(found) == 1, f"{file}: {found}"
    return found[0].read_text()


def runs(file: str, case: str, source: str) -> bool:
    if file.endswith(".py"):
        return re.search(rf"^(async )?def {case}\(", source, re.MULTILINE) is not None
    if file.endswith("_SUITE"):  # as tests/erl/support/cases.erl finds them
        found = re.search(rf"^{case}\(_?Config\) ->", source, re.MULTILINE)
        return found is not None and "cases:of_suite(?MODULE)" in source
    return re.search(rf"^TEST(_F|_P)?\(\w+,\s+{case}\)", source, re.MULTILINE) is not None


def test_every_test_that_a_guarantee_names_is_there(root: Path) -> None:
    pairs = named_tests((root / "docs/guarantees.md").read_text())
    assert len(pairs) > 50
    missing = [pair for pair in pairs if not runs(*pair, source_of(root, pair[0]))]
    assert missing == []


def test_every_guarantee_names_a_test(root: Path) -> None:
    rows = re.findall(r"^\| [A-Z].*$", (root / "docs/guarantees.md").read_text(), re.MULTILINE)
    assert rows
    assert [row for row in rows if not named_tests(row)] == []


@pytest.mark.parametrize(
    ("file", "case", "source"),
    [
        ("test_x.py", "test_a", "def test_ab():\n"),
        ("x_SUITE", "a_case", "all() -> cases:of_suite(?MODULE).\na_case(Helped) -> ok.\n"),
        ("x_SUITE", "a_case", "all() -> [other].\na_case(_Config) -> ok.\n"),
        ("x_test", "a_case", "TEST(Other, a_case_more) {}"),
    ],
)
def test_a_test_that_does_not_run_is_noticed(file: str, case: str, source: str) -> None:
    assert not runs(file, case, source)
