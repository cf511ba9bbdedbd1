# SPDX-License-Identifier: Apache-2.0
"""Both ends name the same messages and requests: py_nif has a type for each."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

TYPES = Path("erl/src/py_nif.erl")
MESSAGES = Path("nif/beam/messages.h")
ATOMS = Path("nif/beam/atoms.cpp")
# Reads the options of start_python, whose names are in its error texts, too.
OPTIONS = Path("nif/nif_arguments.cpp")
PARTS = Path("nif/requests/request_parts.cpp")
CONTEXT = Path("pysrc/erlang/_context.py")
LOOP = Path("pysrc/erlang/_loop_host.py")

# A comment of messages.h that is a term, such as `// {cancel, Ids}`. The tag is its first word.
TERM = re.compile(r"^// (?:\{(?P<tag>[a-z]\w*), .*\}|(?P<atom>[a-z]\w*))$", re.MULTILINE)
FIELDS = re.compile(r"ERL_NIF_TERM ([^;*()]+);")
FILLED = re.compile(r'atoms\.(\w+) = atom\("(\w+)"\);')


def alternatives(union: str) -> Iterator[str]:
    """The members of a union of types, without those of unions inside of tuples."""
    depth, start = 0, 0
    for place, char in enumerate(union):
        depth += (char in "({[") - (char in ")}]")
        if char == "|" and depth == 0:
            yield union[start:place].strip()
            start = place + 1
    yield union[start:].strip()


def kinds(source: str, name: str) -> set[str]:
    """The tags of a type's tuples, and its atoms."""
    source = re.sub(r"%.*", "", source)
    definition = re.search(rf"^-type {name}\(\) ::(.*?)\.$", source, re.MULTILINE | re.DOTALL)
    assert definition, name
    found = set()
    for one in alternatives(definition[1]):
        if one.endswith("()"):
            found |= kinds(source, one[:-2])
        else:
            found |= {tag.strip() for tag in one.strip("{}").split(",")[0].split("|")}
    return found


def keys(source: str) -> set[str]:
    """The keys of the module's table `_KINDS`."""
    for node in ast.parse(source).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="_KINDS"), value=ast.Dict(keys=names)):
                return {name.value for name in names if isinstance(name, ast.Constant)}
    raise AssertionError("there is no _KINDS")


@pytest.mark.parametrize(("name", "module"), [("context_request", CONTEXT), ("loop_request", LOOP)])
def test_python_has_a_function_for_each_kind_of_request(
    text: Text, name: str, module: Path
) -> None:
    assert kinds(text(TYPES), name) == keys(text(module))


def test_parts_of_users_requests_have_names(text: Text) -> None:
    source = text(TYPES)
    users = kinds(source, "context_request") | kinds(source, "loop_request")
    users -= kinds(source, "control") | kinds(source, "stop")
    assert set(re.findall(r"\{&Atoms::(\w+),", text(PARTS))) == users


def test_each_message_has_a_type(text: Text, expect_none: Offenders) -> None:
    terms = [found["tag"] or found["atom"] for found in TERM.finditer(text(MESSAGES))]
    assert {"call", "stop", "py_result"} <= {*terms}
    source = re.sub(r"%.*", "", text(TYPES))
    expect_none(tag for tag in terms if not re.search(rf"[{{|:] *{tag}\b", source))


def test_each_atom_of_the_table_is_filled_with_its_name(text: Text, expect_none: Offenders) -> None:
    header = text(ATOMS.with_suffix(".h")).partition("struct Atoms")[2].partition("};")[0]
    fields = {name.strip() for names in FIELDS.findall(header) for name in names.split(",")}
    filled = dict(FILLED.findall(text(ATOMS)))
    assert fields == {*filled}
    expect_none(field for field, name in filled.items() if field.rstrip("_") != name.strip("_"))


def test_atoms_are_made_in_one_place(files: list[Path], text: Text, expect_none: Offenders) -> None:
    expect_none(
        str(file)
        for file in files
        if file.suffix in (".h", ".cpp") and file.parts[0] == "nif" and file not in (ATOMS, OPTIONS)
        if "enif_make_atom" in text(file)
    )


def test_kinds_are_read_through_types() -> None:
    source = """
-type request() ::
    {call | stream, Module :: binary(), Args :: list()}
    | {exec, Code :: binary()}
    %% Controls.
    | reset
    | other().
-type other() :: {gather, [{a | b, c}]} | ping.
"""
    assert kinds(source, "request") == {"call", "stream", "exec", "reset", "gather", "ping"}
