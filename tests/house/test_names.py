# SPDX-License-Identifier: Apache-2.0
"""Documents and comments name only existing files, modules, functions, tests and commands."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

DOCUMENTS = {".md", ".svg"}
HASH = r"(?:^|\s)#.*"
PERCENT = r"(?:^|\s)%.*"
SLASHES = r"//.*"
COMMENTS = {
    **dict.fromkeys((".py", ".pyi"), r'"""(?s:.*?)"""|' + HASH),
    **dict.fromkeys((".sh", ".build", ".toml", ".txt", ""), HASH),
    **dict.fromkeys((".erl", ".src", ".config"), PERCENT),
    **dict.fromkeys((".c", ".cpp", ".h", ".js"), SLASHES),
}
# This page is about CPython's own tests.
OF_CPYTHON = Path("docs/cpython-tests.md")

FILE = re.compile(
    r"(?<![\w./~*$<{-])(?:\.\./)*((?:[\w.*-]+/)*[\w*-]+"
    r"\.(?:cpp|css|erl|h|html|js|md|py|pyi|sh|src|svg|toml))\b(?![\w(/]|\.\w)"
)
FOLDER = re.compile(r"(?<![\w./~*$<{-])(?:\.\./)*([\w.-]+)/([\w.*/-]*)")
# A file, then functions of it: `nif/nif.cpp`: `reply`, `fail`; or in the next cell of a table.
FUNCTIONS = re.compile(r"`([\w.]+/[\w./]+)`(?::| \|) ((?:`\w+`(?:, )?)+)")
ERLANG = re.compile(r"\b((?:py|erlang_python|erlpy(?=_))(?:_[a-z_]+)?):([a-z]\w*)")
PYTHON = re.compile(r"(?<![\w.])erlang\.(_[a-z]\w*|hosting|testing)((?:\.\w+)*)")
CPP = re.compile(r"\b([A-Z]\w+)::~?(\w+)")
OURS = re.compile(r"\b(?:erl)?py_[a-z_]+\b")
TEST = re.compile(r"\b(?:\w+_SUITE|test_\w+|\w+_test)\b")
COMMAND = re.compile(r"\./dev ([a-z]+)(?: ([a-z][\w./]*))?")


@dataclass
class Project:
    root: Path
    texts: dict[Path, str]  # by path

    def __post_init__(self) -> None:
        self.paths = {path.as_posix() for path in self.texts}
        self.paths |= {folder.as_posix() for path in self.texts for folder in path.parents}
        self.names = {path.name for path in self.texts} | {path.stem for path in self.texts}
        ignored = (self.root / ".gitignore").read_text().splitlines()
        self.made = tuple(line.lstrip("/") for line in ignored if line.startswith("/"))
        self.code = "\n".join(
            without_comments(path, text)
            for path, text in self.texts.items()
            if path.suffix in COMMENTS and path != Path("tests/house/test_names.py")
        )
        self.words = set(re.findall(r"\w+", self.code))
        self.commands = set(re.findall(r"^    (\w+)\)$", self.texts[Path("dev")], re.MULTILINE))
        declared = self.texts[Path("tests/meson.build")]
        self.parts = {"cpp", "readme", *re.findall(r"^        \['(\w+)', ", declared, re.MULTILINE)}

    def has_path(self, path: str, beside: Path) -> bool:
        """Look from the root, and from the folder of the naming file; NAME stands for any name."""
        if f"{path}/".startswith(self.made):
            return True
        pattern = re.sub(r"\b[A-Z]+\b(?!\.)", "*", path)
        places = (pattern, (beside.parent / pattern).as_posix())
        return any(fnmatch(known, place) for place in places for known in self.paths)

    def defines(self, words: Iterable[str], paths: Iterable[Path]) -> bool:
        sources = [self.texts[path] for path in paths if path in self.texts]
        return any(all(re.search(rf"\b{word}\b", source) for word in words) for source in sources)

    def has_test(self, name: str) -> bool:
        return name in self.names or f"def {name}(" in self.code


def comments(path: Path, text: str) -> Iterator[re.Match[str]]:
    is_script = path.suffix != "" or text.startswith("#!")
    for found in re.finditer(COMMENTS[path.suffix], text, re.MULTILINE) if is_script else ():
        before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not (found[0].startswith('"') and before.strip()):  # otherwise the string is a value
            yield found


def without_comments(path: Path, text: str) -> str:
    ends = [0, *(place for found in comments(path, text) for place in found.span()), len(text)]
    return " ".join(text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True))


def passages(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Text for readers, with the numbers of the first lines."""
    if path.suffix in DOCUMENTS:
        # After the language of a block README names a file of the reader's project.
        yield 1, re.sub(r"^(```\w+).*$", r"\1", text, flags=re.MULTILINE)
    elif path.suffix in COMMENTS:
        for found in comments(path, text):
            yield text.count("\n", 0, found.start()) + 1, found[0]


def dangling(project: Project, path: Path, text: str) -> Iterator[re.Match[str]]:
    """Names in the file's text that the project does not have."""
    tops = {known.parts[0] for known in project.texts if len(known.parts) > 1}
    for named in FILE.finditer(text):
        known = named[1] in project.names or named[1] in project.code
        if not known and not project.has_path(named[1], path):
            yield named
    for named in FOLDER.finditer(text):
        folder = f"{named[1]}/{named[2]}".rstrip("/.")
        if named[1] in tops and not project.has_path(folder, path):
            yield named
    for named in FUNCTIONS.finditer(text):
        if not project.defines(re.findall(r"`(\w+)`", named[2]), [Path(named[1])]):
            yield named
    for named in ERLANG.finditer(text):
        modules = [known for known in project.texts if known.name == f"{named[1]}.erl"]
        if not project.defines([named[2]], modules):
            yield named
    for named in PYTHON.finditer(text):
        module, words = f"pysrc/erlang/{named[1]}", named[2].split(".")[1:]
        if module in project.paths and words:  # a package
            module = f"{module}/{words.pop(0)}"
        if module not in project.paths and not project.defines(words, [Path(f"{module}.py")]):
            yield named
    for named in CPP.finditer(text):
        sources = [known for known in project.texts if known.suffix in (".h", ".cpp")]
        if not project.defines([rf"(?:class|struct|enum) {named[1]}", named[2]], sources):
            yield named
    for named in OURS.finditer(text):
        if named[0] not in project.words | project.names:
            yield named
    for named in () if path == OF_CPYTHON else TEST.finditer(text):
        if not project.has_test(named[0]):
            yield named
    for named in COMMAND.finditer(text):
        command, test = named.groups()
        is_test = command != "test" or test is None or test in project.parts | project.paths
        if command not in project.commands or not (is_test or project.has_test(test)):
            yield named


@pytest.fixture(scope="module")
def project(root: Path, files: list[Path], text: Text) -> Project:
    return Project(root, {file: text(file) for file in files})


def test_what_is_named_is_there(project: Project, expect_none: Offenders) -> None:
    expect_none(
        f"{path}:{line + passage.count(chr(10), 0, named.start())}: {named[0]}"
        for path, source in project.texts.items()
        for line, passage in passages(path, source)
        for named in dangling(project, path, passage)
    )


@pytest.mark.parametrize(
    "passage",
    [
        "see nif/no_such.cpp",
        "see no_such.h",
        "[page](../docs/no_such.md)",
        "in tests/no_such/ there is",
        "| `nif/nif.cpp` | `reply`, `no_such` |",
        "`no_such.cpp` is `nif/no_such.cpp`: `reply`",
        "py_loop_handler:no_such/3",
        "py_no_such:loop/3",
        "what py_no_such keeps",
        "erlang._no_such",
        "erlang._outside.no_such",
        "erlang._outside.calls.no_such",
        "`erlang._context.no_such`",
        "CallLine::no_such()",
        "NoSuch::close()",
        "no_such_SUITE",
        "`test_no_such.py`: `test_no_such`",
        "no_such_test",
        "`./dev no_such`",
        "./dev test no_such_SUITE",
        "./dev test tests/python/no_such.py -k timeout",
    ],
)
def test_a_name_of_nothing_is_found(project: Project, passage: str) -> None:
    assert list(dangling(project, Path("docs/page.md"), passage)) != []


@pytest.mark.parametrize(
    "passage",
    [
        "nif/nif.cpp, nif.cpp, [README](../README.md), tests/fuzz, `Python.h`, build/any/thing",
        "| `nif/nif.cpp` | `reply`, `fail` |",
        "py_loop_handler:loop/3, `py_nif:answer()', {py_result, Ref, _}",
        "erlang._outside.calls.send, erlang._outside.calls",
        "erlang._context, `erlang._loop_end.LoopEnd.close`, erlang.double_it",
        "CallLine::close(), std::string, call_SUITE, channel_test, `test_send.py`",
        "`./dev` has built, ./dev test, ./dev test house   a part, ./dev test NAME, ./dev soak 60",
        "./dev test call_SUITE, ./dev test tests/python/test_send.py -k name, tests/NAME/support",
    ],
)
def test_a_name_of_something_is_not_found(project: Project, passage: str) -> None:
    assert list(dangling(project, Path("docs/page.md"), passage)) == []
