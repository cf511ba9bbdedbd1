# SPDX-License-Identifier: Apache-2.0
"""A CPython without the GIL is refused before anything is built for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Answers like a free-threaded build of this interpreter.
ANSWERS = """\
#!{python}
import runpy, sys, sysconfig
sysconfig.get_config_vars()["Py_GIL_DISABLED"] = 1
while sys.argv[1].startswith("-") and sys.argv[1] != "-":
    del sys.argv[1]
if sys.argv[1] == "-":
    exec(sys.stdin.read())
else:
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def free_threaded(tmp_path: Path) -> Path:
    path = tmp_path / "python3"
    path.write_text(ANSWERS.format(python=sys.executable))
    path.chmod(0o755)
    return path


def test_the_scripts_refuse_it(root: Path, free_threaded: Path) -> None:
    done = subprocess.run(
        ["sh", "tools/python.sh"],
        cwd=root,
        env={**os.environ, "PYTHON": str(free_threaded)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"PYTHON={free_threaded} can't be used: it is free-threaded" in done.stderr
    assert "use a build with the GIL" in done.stderr


def test_meson_refuses_it(root: Path, tmp_path: Path, free_threaded: Path) -> None:
    folder = str(tmp_path / "build")
    meson = [sys.executable, "-m", "mesonbuild.mesonmain", "setup", folder, str(root)]
    command = [*meson, f"-Dpython={free_threaded}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "This CPython is free-threaded" in done.stdout + done.stderr
