# SPDX-License-Identifier: Apache-2.0
"""The project's own environment: made once for an interpreter, and isolated from the user's."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

NEEDED = ["tools/venv.sh", "tools/python.sh", "tools/environment.sh"]
INFO = "package_of_a_test-1.0.dist-info"


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A folder with the scripts, and a list of one package, a file. Tests need no other."""
    project = tmp_path / "project"
    for file in NEEDED:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, project / file)
    wheel = tmp_path / "package_of_a_test-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in package().items():
            archive.writestr(name, text)
    (project / "requirements-demo.txt").write_text(f"{wheel.as_uri()}\n")
    (project / "requirements.txt").write_text("# none\n")
    return project


def package() -> dict[str, str]:
    return {
        "package_of_a_test.py": "",
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: package-of-a-test\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nTag: py3-none-any\n",
        f"{INFO}/RECORD": "",
    }


def run(
    project: Path, script: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "PYTHONPATH")}
    return subprocess.run(
        ["sh", script, *arguments],
        cwd=project,
        env={**kept, "INVOKED_FROM": str(project), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def base() -> Path:
    return Path(getattr(sys, "_base_executable", sys.executable))


def test_packages_of_the_user_are_not_taken_for_the_projects(project: Path) -> None:
    of_the_user = project.parent / "of_the_user"
    for name, text in package().items():
        (of_the_user / name).parent.mkdir(parents=True, exist_ok=True)
        (of_the_user / name).write_text(text)
    variables = {"PYTHON": str(base()), "PYTHONPATH": str(of_the_user)}
    done = run(project, "tools/venv.sh", **variables)
    assert done.returncode == 0, done.stderr
    own = project / "build/venv/bin/python3"
    subprocess.run([own, "-I", "-c", "import package_of_a_test"], check=True)


def test_it_is_made_once_for_all_names_of_an_interpreter(project: Path) -> None:
    names = {base(), base().resolve()}
    link = project / "another_name"
    link.symlink_to(base())
    for number, name in enumerate([*names, link]):
        done = run(project, "tools/venv.sh", PYTHON=str(name))
        assert done.returncode == 0, done.stderr
        assert ("Python packages into build/venv" in done.stderr) == (number == 0)
    (project / "requirements-demo.txt").write_text("# none\n")
    assert "Python packages into" in run(project, "tools/venv.sh", PYTHON=str(base())).stderr


def test_packages_of_tests_are_added_when_tests_need_them(project: Path) -> None:
    def made(*arguments: str) -> bool:
        done = run(project, "tools/venv.sh", *arguments, PYTHON=str(base()))
        assert done.returncode == 0, done.stderr
        return "Python packages into build/venv" in done.stderr

    assert made()
    kept = project / "build/venv/of_the_first_time"
    kept.touch()
    assert made("--tests")
    assert kept.exists()
    assert not made()
    assert not made("--tests")
    (project / "requirements.txt").write_text("# none any longer\n")
    assert not made()
    assert made("--tests")
    assert not kept.exists()


@pytest.mark.parametrize("path", ["venv/bin/python", "./venv/bin/python3", "venv", "venv/"])
def test_a_relative_python_begins_where_the_user_stands(project: Path, path: str) -> None:
    stands = project.parent / "elsewhere"
    stands.mkdir()
    command = [sys.executable, "-m", "venv", "--without-pip", str(stands / "venv")]
    subprocess.run(command, check=True)
    done = run(project, "tools/python.sh", PYTHON=path, INVOKED_FROM=str(stands))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == base().resolve()
