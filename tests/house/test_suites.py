# SPDX-License-Identifier: Apache-2.0
"""Common Test suites share a node, and so Python's `__main__`."""

import builtins
import dis
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

# <<"..." "...">>: adjacent strings are one, as Erlang joins them.
BINARY = re.compile(r'<<((?:\s*"(?:[^"\\]|\\.)*")+)(?:/utf8)?\s*>>')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPES = {"n": "\n", "t": "\t", "s": " "}
BINDS = {"STORE_NAME", "STORE_GLOBAL"}


def binaries(erlang: str) -> Iterator[str]:
    for binary in BINARY.finditer(erlang):
        joined = "".join(STRING.findall(binary[1]))
        yield re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), joined)


def bound_names(source: str) -> set[str]:
    """The names of `__main__` that the source binds; none if the source is not Python."""
    try:
        code = compile(source, "<suite>", "exec")
    except (SyntaxError, ValueError):
        return set()
    return module_names(code, BINDS)


def module_names(code: CodeType, binds: set[str]) -> set[str]:
    """Functions and classes bind names of the module only with `global`."""
    own = {i.argval for i in dis.get_instructions(code) if i.opname in binds}
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return own.union(*(module_names(const, {"STORE_GLOBAL"}) for const in inner))


def shadowed(erlang: str) -> set[str]:
    bound = {name for source in binaries(erlang) for name in bound_names(source)}
    return bound & set(dir(builtins))


@pytest.mark.parametrize(
    ("erlang", "names"),
    [
        (r'<<"def set(value):\n" "    return value\n">>', {"set"}),
        ('<<"async def aset(n):\\n"\n      "    id = n\\n"\n      "list = []\\n">>', {"list"}),
        (r'<<"from math import pow, sqrt; print(\"x\")">>', {"pow"}),
        (r'<<"class Whose: set = 1">>', set()),
        (r'<<"def put():\n" "    global set, other\n" "    set = other = 1\n">>', {"set"}),
        (r'{<<"no Python">>, <<"max = 1"/utf8>>}', {"max"}),
    ],
)
def test_names_of_main_are_found(erlang: str, names: set[str]) -> None:
    assert shadowed(erlang) == names


def test_no_suite_hides_a_builtin_from_the_others(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {name}"
        for file in files
        if file.suffix == ".erl" and file.parts[0] == "tests"
        for name in sorted(shadowed(text(file)))
    )
