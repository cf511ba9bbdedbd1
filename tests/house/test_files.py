# SPDX-License-Identifier: Apache-2.0
"""Rules for single files."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

Text = Callable[[Path], str]
Offenders = Callable[[Iterable[str]], None]

# Hand-written formats that can have comments: these need the licence line and have the length
# limit.
CODE = set(".c .cpp .css .erl .ex .exs .h .hrl .html .js .py .pyi .sh .src .toml".split())
CODE_NAMES = {"dev", "erlpy", "meson.build", "meson_options.txt", "rebar.config", "run"}
MOST_LINES = 400
# ExUnit asks for this file.
NAMED_BY_OTHERS = {"test_helper.exs"}
BANNED_NAMES = {"common", "helper", "helpers", "misc", "stuff", "util", "utils"}

# Folders of one machine only; /usr/bin and the like are the same everywhere.
MACHINE_PATH = re.compile(r"(?<![\w./:-])/(?:home|root|work|Users|mnt|opt/[a-z]+/versions)/\w")
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|WIP)\b")


def is_code(file: Path) -> bool:
    return file.suffix in CODE or file.name in CODE_NAMES


def test_code_has_one_licence_line_near_its_top(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    def offends(file: Path) -> bool:
        lines = text(file).splitlines()
        tagged = [number for number, line in enumerate(lines) if is_licence_line(line)]
        return len(tagged) != 1 or tagged[0] > 3

    # Empty files such as py.typed need no licence.
    expect_none(str(file) for file in files if is_code(file) and text(file) and offends(file))


def is_licence_line(line: str) -> bool:
    return re.fullmatch(r"\W*SPDX-License-Identifier: Apache-2\.0\W*", line) is not None


def test_no_code_file_is_longer_than_the_limit(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    lengths = {file: text(file).count("\n") for file in files if is_code(file)}
    expect_none(f"{file}: {length}" for file, length in lengths.items() if length > MOST_LINES)


def test_no_file_or_folder_has_a_name_that_says_nothing(
    files: list[Path], expect_none: Offenders
) -> None:
    expect_none(
        str(file)
        for file in files
        for part in file.with_suffix("").parts
        if file.name not in NAMED_BY_OTHERS
        if BANNED_NAMES & set(re.split(r"[_\-.]", part.lower()))
    )


def test_no_file_names_a_folder_of_one_machine(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(text(file).splitlines(), 1)
        if MACHINE_PATH.search(line)
    )


def test_nothing_unfinished_is_marked_in_code(
    files: list[Path], text: Text, expect_none: Offenders
) -> None:
    expect_none(
        f"{file}:{number}: {line.strip()}"
        for file in files
        if is_code(file) and file.name != Path(__file__).name
        for number, line in enumerate(text(file).splitlines(), 1)
        if LEFTOVER.search(line)
    )


def test_text_ends_with_one_newline_and_has_no_carriage_returns(
    root: Path, files: list[Path], expect_none: Offenders
) -> None:
    def offends(file: Path) -> bool:
        data = (root / file).read_bytes()
        return bool(data) and (b"\r" in data or not data.endswith(b"\n") or data.endswith(b"\n\n"))

    expect_none(
        str(file) for file in files if (is_code(file) or file.suffix == ".md") and offends(file)
    )
