# SPDX-License-Identifier: Apache-2.0
"""The check of plain English finds its phrases and accepts plain sentences."""

from pathlib import Path
from types import ModuleType

import pytest

LONG = "one two three four five " * 6


@pytest.fixture
def prose(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "tools")
    import prose

    return prose


def found(prose: ModuleType, folder: Path, name: str, text: str) -> list[str]:
    file = folder / name
    file.write_text(text)
    return list(prose.findings(file))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text.py", 'raise ValueError("as many calls run as may")\n'),
        ("header.h", "// It waits. Were it alone, it would not.\n"),
        ("module.erl", "%% " + LONG.strip() + ".\n"),
        ("docstring.py", f'"""{LONG.strip()}."""\n'),
        ("module.ex", f'  @doc """\n  {LONG.strip()}.\n  """\n'),
        ("page.md", "The place is to be had.\n"),
    ],
)
def test_it_is_found(prose: ModuleType, tmp_path: Path, name: str, text: str) -> None:
    assert len(found(prose, tmp_path, name, text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("comment.h", "// A call ends once.\n// The limit is 10 calls.\n"),
        (
            "table.h",
            "// Threads: push()   any thread\n//          " + "take()   one thread " * 9 + "\n",
        ),
        ("code.py", f"words = {LONG.split()!r}\n"),
        ("code.ex", f'  @doc """\n  Runs.\n\n      iex> {LONG.strip()}\n  """\n'),
        ("short.erl", "%% " + "A call ends once. " * 9 + "\n"),
    ],
)
def test_plain_text_passes(prose: ModuleType, tmp_path: Path, name: str, text: str) -> None:
    assert found(prose, tmp_path, name, text) == []
