# SPDX-License-Identifier: Apache-2.0
"""The build of the package as a dependency: it works, says little, and tells what is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, UserProject

COMMANDS = ("sh", "erl", "erlc", "sed", "dirname", "basename", "cat")


def test_the_files_of_the_package_are_enough(project: UserProject) -> None:
    started = "element(1, application:ensure_all_started(erlang_python))"
    assert project.evaluate(started, "py:call(math, sqrt, [16])") == ["ok", "{ok,4.0}"]


def test_the_build_says_what_it_does_and_no_more(project: UserProject) -> None:
    lines = [line for line in project.output.splitlines() if "erlang_python: " in line]
    assert len(lines) == 1
    assert "erlang_python: building the native library for /" in lines[0]
    assert "warning" not in project.output.lower()
    # The other lines are those of rebar3.
    others = [line for line in project.output.splitlines() if "===>" not in line]
    assert len(others) <= 3, project.output


def test_no_warning_of_the_compiler_was_hidden(project: UserProject) -> None:
    assert "warning" not in (project.dependency / "build/library.log").read_text()


def test_a_second_build_does_nothing(project: UserProject) -> None:
    assert "building" not in project.run("rebar3", "compile")


@pytest.mark.parametrize("other", [True, False])
def test_another_python_than_that_of_the_build_is_noticed(
    project: UserProject, tmp_path: Path, other: bool
) -> None:
    built_for = (project.dependency / "priv/python_executable.txt").read_text().strip()
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\necho {'/opt/other/python3' if other else built_for}\n")
    python.chmod(0o755)
    environment = {**project.environment, "PYTHON": str(python)}
    output = UserProject(project.folder, environment, "").run("rebar3", "compile")
    said = f"PYTHON is /opt/other/python3, but the native library was built for {built_for}"
    assert (said in output) is other
    assert (f"rm -r '{project.dependency}/ebin'" in output) is other


def test_a_dependency_without_its_ebin_folder_is_built_again(project: UserProject) -> None:
    shutil.rmtree(project.dependency / "ebin")
    project.run("rebar3", "compile")
    assert (project.dependency / "ebin/py.beam").is_file()


@pytest.fixture
def few_commands(tmp_path: Path) -> dict[str, str]:
    """An environment without a compiler and without Meson."""
    for name in COMMANDS:
        found = shutil.which(name)
        assert found is not None, name
        (tmp_path / name).symlink_to(found)
    return {"PATH": str(tmp_path), "HOME": str(tmp_path)}


def test_what_is_missing_is_named_with_the_command(
    few_commands: dict[str, str], tmp_path: Path
) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", "tools/build_needs.sh", python],
        cwd=ROOT,
        env=few_commands,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "erlang_python: the native library can't be built; these are missing:",
        "erlang_python:   a C++20 compiler: g++ 12 or later, or clang++ 14 or later",
        f"erlang_python:   the headers of {python} (Python.h)",
        "erlang_python:   meson and ninja, or Python's module venv to install them with",
        "erlang_python: On Debian or Ubuntu: apt-get install g++ python3-dev meson ninja-build",
    ]
