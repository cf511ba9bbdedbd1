# SPDX-License-Identifier: Apache-2.0
"""Rules of Common Test suites: each function is used; suites share Python's `__main__`."""

import builtins
import dis
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

# <<"..." "...">>: Erlang joins adjacent strings.
BINARY = re.compile(r'<<((?:\s*"(?:[^"\\]|\\.)*")+)(?:/utf8)?\s*>>')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPES = {"n": "\n", "t": "\t", "s": " "}
BINDS = {"STORE_NAME", "STORE_GLOBAL"}

FUNCTION = re.compile(r"^([a-z]\w*)\(([^\n]*?)\)(?: when [^\n]*)? ->", re.MULTILINE)
CALLED_BY_COMMON_TEST = re.compile(r"all|groups|suite|(init|end)_per_(suite|group|testcase)")


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


def unused(erlang: str) -> list[str]:
    """Functions that nothing in the suite names. A case is named by its argument alone."""
    code = re.sub(r"%.*", "", erlang)
    defined = [name for name, _ in FUNCTION.findall(code)]
    cases = {
        name for name, arguments in FUNCTION.findall(code) if arguments.lstrip("_") == "Config"
    }
    return [
        name
        for name in dict.fromkeys(defined)
        if name not in cases
        and not CALLED_BY_COMMON_TEST.fullmatch(name)
        and len(re.findall(rf"\b{name}\b", code)) == defined.count(name)
    ]


def test_an_unused_function_is_found() -> None:
    suite = "all() -> [].\na(_Config) -> b(1).\nb(0) -> 0;\nb(N) -> N.\nc(_) -> ok.\n% c()\n"
    assert unused(suite) == ["c"]


def test_suites_have_no_unused_function(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    """The compiler warns of no unused function, since suites export all functions."""
    expect_none(
        f"{file}: {name}"
        for file in files
        if file.name.endswith("_SUITE.erl")
        for name in unused(text(file))
    )


def test_no_suite_hides_a_builtin_from_the_others(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {name}"
        for file in files
        if file.suffix == ".erl" and file.parts[0] == "tests"
        for name in sorted(shadowed(text(file)))
    )
