# SPDX-License-Identifier: Apache-2.0
"""The order of the folders: a lower layer does not use a higher layer."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

# The rooms of nif/ in their order. The files beside the rooms come last.
ROOMS = (
    "interruption",
    "beam",
    "conversion",
    "node",
    "erlpy",
    "requests",
    "calls",
    "module",
    "interpreter",
)
# The only files that take or release the GIL; all other files use the types in gil.h.
LOCK_TYPES = ("loop_bridge/python/gil.", "nif/interpreter/interpreter.")
GIL_CALL = re.compile(
    r"\b(?:PyGILState_(?:Ensure|Release)|PyThreadState_Swap"
    r"|PyEval_(?:SaveThread|RestoreThread|AcquireThread|ReleaseThread))\b|Py_BEGIN_ALLOW_THREADS"
)
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.MULTILINE)
PLATFORM_SWITCH = re.compile(
    r"^\s*#\s*(?:el)?if.*\b(?:__linux__|__APPLE__|__FreeBSD__|_WIN32|__GLIBC__)\b", re.MULTILINE
)
MACRO = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
# Switches that CPython's headers read.
HEADER_SWITCHES = {"PY_SSIZE_T_CLEAN"}


def cpp_files(files: list[Path], *folders: str) -> Iterator[Path]:
    for file in files:
        if file.suffix in (".h", ".cpp") and file.as_posix().startswith(folders):
            yield file


def includes(text: str) -> set[str]:
    return set(INCLUDE.findall(text))


def test_loop_bridge_knows_no_erlang(files: list[Path], text: Text, expect_none: Offenders) -> None:
    expect_none(
        f"{file}: {name}"
        for file in cpp_files(files, "loop_bridge/")
        for name in includes(text(file))
        if name.startswith(("erl_", "nif/"))
    )


def test_the_core_of_loop_bridge_knows_no_python(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {name}"
        for file in cpp_files(files, "loop_bridge/")
        if not file.as_posix().startswith("loop_bridge/python/")
        for name in includes(text(file))
        if name == "Python.h" or name.startswith("loop_bridge/python/")
    )


def room(file: str | Path) -> int:
    parts = Path(file).parts
    return ROOMS.index(parts[1]) if len(parts) == 3 else len(ROOMS)


def test_a_room_of_nif_includes_no_later_room(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {name}"
        for file in cpp_files(files, "nif/")
        for name in sorted(includes(text(file)))
        if name.startswith("nif/") and room(name) > room(file)
    )


def test_the_first_rooms_know_one_side_only(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {name}"
        for folder, unknown in (
            ("nif/interruption/", ("erl_",)),
            ("nif/beam/", ("Python.h", "loop_bridge/")),
        )
        for file in cpp_files(files, folder)
        for name in sorted(includes(text(file)))
        if name.startswith(unknown)
    )


def test_only_the_lock_types_take_or_give_up_the_gil(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}: {call}"
        for file in cpp_files(files, "loop_bridge/", "nif/")
        if not file.as_posix().startswith(LOCK_TYPES)
        for call in sorted(set(GIL_CALL.findall(without_comments(text(file)))))
    )


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def test_platforms_differ_by_file_not_by_preprocessor(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        str(file)
        for file in cpp_files(files, "loop_bridge/", "nif/")
        if PLATFORM_SWITCH.search(text(file))
    )


def test_there_are_no_project_macros(files: list[Path], text: Text, expect_none: Offenders) -> None:
    expect_none(
        f"{file}: {name}"
        for file in cpp_files(files, "loop_bridge/", "nif/")
        for name in MACRO.findall(text(file))
        if name not in HEADER_SWITCHES
    )


def test_headers_are_read_once(files: list[Path], text: Text, expect_none: Offenders) -> None:
    headers = (file for file in cpp_files(files, "") if file.suffix == ".h")
    expect_none(str(file) for file in headers if "#pragma once" not in text(file))


def test_erlang_code_is_where_rebar3_looks_for_it(
    files: list[Path], expect_none: Offenders
) -> None:
    expect_none(
        str(file)
        for file in files
        if file.suffix == ".erl"
        and not file.as_posix().startswith(("erl/src/", "tests/", "demo/", "examples/", "bench/"))
    )


def test_private_python_modules_are_used_inside_the_package_only(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    private = re.compile(r"^\s*(?:from|import)\s+erlang\._\w+", re.MULTILINE)
    expect_none(
        str(file)
        for file in files
        if file.suffix == ".py"
        and file.as_posix().startswith(("demo/", "examples/", "bench/"))
        and private.search(text(file))
    )
