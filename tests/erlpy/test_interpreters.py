# SPDX-License-Identifier: Apache-2.0
"""Which Python runs: that of --python, of the configuration, of an activated environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ERLPY, Place

WHO = "import sys; print(sys.prefix, sys.executable)"


@pytest.fixture
def venv(place: Place) -> Path:
    return made(place.folder / "venv")


def made(folder: Path) -> Path:
    """An environment with a module `only_here`."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "only_here.py").write_text(f"name = {folder.name!r}\n")
    return folder


def name(place: Place, *options: str, **variables: str) -> str:
    """The name of the environment that erlpy runs in."""
    ended = place.run(ERLPY, *options, "-c", "import only_here; print(only_here.name)", **variables)
    assert ended.status == 0, ended.error
    return ended.output.strip()


def test_an_activated_environment_is_as_for_python3(place: Place, venv: Path) -> None:
    python3 = place.run([str(venv / "bin/python3")], "-c", WHO)
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    ended = place.run(ERLPY, "-c", WHO, VIRTUAL_ENV=str(venv), PATH=path)
    assert ended == python3
    assert name(place, VIRTUAL_ENV=str(venv)) == "venv"


@pytest.mark.parametrize("active", ["", "gone", "file"])
def test_what_is_no_environment_is_left_out(place: Place, active: str) -> None:
    place.write("file", "")
    without = place.run(ERLPY, "-c", WHO)
    assert place.run(ERLPY, "-c", WHO, VIRTUAL_ENV=active) == without
    assert without.status == 0


@pytest.mark.parametrize(
    "path", ["venv", "venv/bin/python3", "./venv/bin/python", "../place/venv", "name"]
)
def test_an_option_chooses(tmp_path: Path, path: str) -> None:
    place = Place(tmp_path / "place")
    place.folder.mkdir()
    venv, other = made(place.folder / "venv"), made(place.folder / "other")
    variables = {"VIRTUAL_ENV": str(other)}
    if path == "name":
        path = "python3"
        variables["PATH"] = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    assert name(place, "--python", path, **variables) == "venv"


def test_a_path_may_have_any_character(place: Place) -> None:
    folder = made(place.folder / 'a "quoted" größe')
    assert name(place, "--python", str(folder)) == folder.name
    assert name(place, VIRTUAL_ENV=str(folder)) == folder.name


def test_the_option_goes_before_the_configuration(place: Place, venv: Path) -> None:
    made(place.folder / "configured")
    active = made(place.folder / "active")
    config = place.write("node.config", '[{erlang_python, [{python, "configured"}]}].')
    assert name(place, "--config", config, VIRTUAL_ENV=str(active)) == "configured"
    assert name(place, "--config", config, "--python", "venv", VIRTUAL_ENV=str(active)) == "venv"


@pytest.mark.parametrize("path", ["gone", "gone/bin/python3"])
def test_a_missing_interpreter_is_named(place: Place, path: str) -> None:
    ended = place.run(ERLPY, "--python", path, "-c", "pass")
    assert ended.status == 2
    assert ended.error.startswith(f"erlpy: there is no Python {path}\nusage: erlpy ")


def test_what_is_no_interpreter_is_refused(place: Place) -> None:
    place.write("folder/file", "")
    ended = place.run(ERLPY, "--python", "folder", "-c", "pass")
    assert (ended.output, ended.status) == ("", 1)
    assert "not_a_virtual_environment" in ended.error
