# SPDX-License-Identifier: Apache-2.0
"""Rules for the whole project: versions agree, lists are pinned, scripts are sound."""

import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = ["dev", ".ci/run", "tools/erlpy"]


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match.group(1)


def test_every_place_names_the_same_version(root: Path) -> None:
    application = (root / "src/erlang_python.app.src").read_text()
    meson = (root / "meson.build").read_text()
    changelog = (root / "CHANGELOG.md").read_text()
    package = (root / "pysrc/erlang/_version.py").read_text()
    version = found(r'\{vsn, "([^"]+)"\}', application)
    assert found(r'__version__ = "([^"]+)"', package) == version
    assert found(r"version: '([^']+)'", meson) == version
    assert found(r"\n## (\S+)", changelog) == version


def test_every_python_package_is_pinned_once_for_each_python(root: Path) -> None:
    lists = ("requirements-demo.txt", "requirements.txt")
    lines = [line for name in lists for line in (root / name).read_text().splitlines()]
    packages = [line for line in lines if line and not line.startswith("#")]
    pin = re.compile(r'([a-z0-9.-]+)==[0-9][\w.]*(?:; python_version (<|>=) "(3\.\d+)")?')
    pins = [match.groups() for line in packages if (match := pin.fullmatch(line))]
    assert len(pins) == len(packages)
    pinned: dict[str, list[tuple[str, str]]] = {}
    for name, relation, version in pins:
        pinned.setdefault(name, []).append((relation, version))
    # One version for all, or two versions that share the Pythons at one boundary.
    for name, conditions in pinned.items():
        _, at = conditions[0]
        assert conditions in ([(None, None)], [("<", at), (">=", at)]), name


@pytest.mark.parametrize(
    "name", ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"]
)
def test_a_reader_finds_the_usual_documents(root: Path, name: str) -> None:
    assert (root / name).is_file()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_started(root: Path, name: str) -> None:
    assert os.access(root / name, os.X_OK)


def test_shell_scripts_parse_and_stop_at_errors(root: Path) -> None:
    scripts = [root / "dev", *sorted((root / "tools").glob("*.sh"))]
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)
        sourced = script.name == "environment.sh"
        assert sourced or re.search(r"^set -eu", script.read_text(), re.MULTILINE), script
