# SPDX-License-Identifier: Apache-2.0
"""C++ looks the same everywhere, where no formatter checks it."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

FOLDERS = ("loop_bridge/", "nif/")
THREADS = re.compile(r"^// Threads: ", re.MULTILINE)
WIDTH = 100
# An if, for or while with one statement in braces, and no else.
BRACED = re.compile(
    r"^(?P<indent> *)(?P<head>(?:if|for|while) \(.*\)) \{\n"
    r"(?P=indent)    (?P<statement>(?!(?:if|for|while) )[^\n/]*;)\n"
    r"(?P=indent)\}(?! else)",
    re.MULTILINE,
)


def needless_braces(text: str) -> Iterator[int]:
    """The lines of statements that would fit on the line of their `if`, `for` or `while`."""
    for found in BRACED.finditer(text):
        joined = f"{found['indent']}{found['head']} {found['statement']}"
        if len(joined) <= WIDTH:
            yield text.count("\n", 0, found.start()) + 1


def test_a_header_says_which_threads_may_call(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        str(file)
        for file in files
        if file.suffix == ".h" and file.as_posix().startswith(FOLDERS)
        if not THREADS.search(text(file).partition("#pragma once")[0])
    )


def test_a_statement_on_the_line_of_its_if_has_no_braces(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}:{line}"
        for file in files
        if file.suffix in (".h", ".cpp") and file.as_posix().startswith(FOLDERS)
        for line in needless_braces(text(file))
    )


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("    if (done) {\n        return;\n    }\n", [1]),
        ("\n    while (next()) {\n        take();\n    }\n", [2]),
        ("    if (done) return;\n", []),
        ("    if (done) {\n        return;\n    } else {\n        wait();\n    }\n", []),
        ("    if (done) {\n        // Why.\n        return;\n    }\n", []),
        ("    for (auto& one : all) {\n        if (one) return;\n    }\n", []),
        (f"    if ({'x' * 80}) {{\n        return false;\n    }}\n", []),
    ],
)
def test_braces_are_needless_on_a_short_line(code: str, lines: list[int]) -> None:
    assert list(needless_braces(code)) == lines
