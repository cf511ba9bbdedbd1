# SPDX-License-Identifier: Apache-2.0
"""No circles of modules: among the modules of a folder, what is used does not use its user."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]
# What each module uses.
Uses = dict[str, set[str]]

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
CALLS = Path(__file__).with_name("calls.escript")


def erlang_uses(sources: Iterable[Path]) -> Uses:
    """Calls of functions, also by `fun module:function/arity`."""
    listing = subprocess.run(
        ["escript", CALLS, *sources], check=True, capture_output=True, text=True
    ).stdout
    return {module: set(called) for module, *called in map(str.split, listing.splitlines())}


def python_uses(sources: dict[str, str]) -> Uses:
    """Imports, also inside of functions; sources by the names of their modules."""
    return {module: set(imported(ast.parse(source), sources)) for module, source in sources.items()}


def imported(node: ast.AST, modules: Iterable[str]) -> Iterator[str]:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module=str(package), names=names):
            inner = {f"{package}.{name.name}" for name in names}
            yield from inner & {*modules}
            if inner - {*modules}:
                yield package
    for child in ast.iter_child_nodes(node):
        yield from imported(child, modules)


def cpp_uses(sources: dict[str, str]) -> Uses:
    """Includes; a header and its source files are one unit. Sources by their paths."""
    uses: Uses = {}
    for path, source in sources.items():
        included = {unit(name) for name in INCLUDE.findall(source)}
        uses.setdefault(unit(path), set()).update(included - {unit(path)})
    return uses


def unit(path: str) -> str:
    return path.rsplit(".", 1)[0]


def circles(uses: Uses) -> list[set[str]]:
    """The largest groups of modules that all reach each other."""
    reached = {module: reach(module, uses) for module in uses}
    groups = {
        frozenset(other for other in reached[module] & {*uses} if module in reached[other])
        for module in uses
    }
    return [{*group} for group in groups if group]


def reach(module: str, uses: Uses) -> set[str]:
    reached: set[str] = set()
    left = [*uses[module] - {module}]
    while left:
        if (found := left.pop()) not in reached:
            reached.add(found)
            left += uses.get(found, ())
    return reached


def as_lines(uses: Uses) -> Iterator[str]:
    for circle in circles(uses):
        yield " ".join(sorted(circle))
        yield from (
            f"    {module} uses {' '.join(sorted(uses[module] & circle - {module}))}"
            for module in sorted(circle)
        )


def test_erlang_modules_make_no_circle(
    root: Path, files: list[Path], expect_none: Offenders
) -> None:
    sources = [root / file for file in files if file.match("erl/src/*.erl")]
    assert sources
    expect_none(as_lines(erlang_uses(sources)))


def test_python_modules_make_no_circle(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    sources = {
        ".".join(file.with_suffix("").parts[1:]).removesuffix(".__init__"): text(file)
        for file in files
        if file.parts[:2] == ("pysrc", "erlang") and file.suffix == ".py"
    }
    assert sources
    expect_none(as_lines(python_uses(sources)))


def test_units_of_cpp_make_no_circle(files: list[Path], text: Text, expect_none: Offenders) -> None:
    sources = {
        file.as_posix(): text(file)
        for file in files
        if file.suffix in (".h", ".cpp") and file.parts[0] in ("loop_bridge", "nif")
    }
    assert sources
    expect_none(as_lines(cpp_uses(sources)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("f() -> second:g().", "g() -> first:f()."),
        ("f() -> second:g().", "g() -> try h() catch _:_ -> [fun first:f/0] end.\nh() -> ok."),
    ],
)
def test_a_circle_of_erlang_modules_is_found(tmp_path: Path, first: str, second: str) -> None:
    for module, body in {"first": first, "second": second, "third": "f() -> first:f()."}.items():
        (tmp_path / f"{module}.erl").write_text(f"-module({module}).\n{body}\n")
    assert circles(erlang_uses(tmp_path.glob("*.erl"))) == [{"first", "second"}]


@pytest.mark.parametrize(
    "body",
    [
        "f() -> ok.",
        "-spec g() -> first:t().\ng() -> ok.",
        "-type t() :: first:t().\n-export_type([t/0]).",
        "% first:f()",
    ],
)
def test_types_and_comments_are_no_calls(tmp_path: Path, body: str) -> None:
    (tmp_path / "first.erl").write_text("-module(first).\nf() -> second:g().\n")
    (tmp_path / "second.erl").write_text(f"-module(second).\n{body}\n")
    assert circles(erlang_uses(tmp_path.glob("*.erl"))) == []


@pytest.mark.parametrize(
    "use",
    [
        "import erlang._first",
        "from erlang import _first",
        "from erlang._first import name",
        "def late():\n    from erlang import _first",
        "from erlang import call",
    ],
)
def test_a_circle_of_python_modules_is_found(use: str) -> None:
    sources = {
        "erlang": "from erlang._first import name",
        "erlang._first": "from erlang._second import name",
        "erlang._second": use,
        "erlang._third": "import erlang",
    }
    assert circles(python_uses(sources)) != []


def test_imports_for_types_make_no_circle() -> None:
    sources = {
        "erlang._first": "from erlang._second import name",
        "erlang._second": "if TYPE_CHECKING:\n    from erlang._first import name",
    }
    assert circles(python_uses(sources)) == []


def test_a_circle_of_cpp_units_is_found() -> None:
    sources = {
        "nif/first.h": '#include <string>\n#include "nif/second.h"\n',
        "nif/first.cpp": '#include "nif/first.h"\n',
        "nif/second.h": "",
        "nif/second.cpp": '#include "nif/second.h"\n#include "nif/first.h"\n',
        "nif/third.cpp": '#include "nif/first.h"\n',
    }
    assert circles(cpp_uses(sources)) == [{"nif/first", "nif/second"}]
