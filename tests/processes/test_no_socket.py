# SPDX-License-Identifier: Apache-2.0
"""Nodes that can't listen for child processes, or must not."""

import subprocess
from pathlib import Path

import pytest
from conftest import ERLPY, Programs, output

# `site` imports this module at Python's start.
NO_FOLDER = """
import tempfile

def fail(**_):
    raise OSError("read-only file system")

tempfile.mkdtemp = fail
"""

SHOW = "import os; print(os.environ.get('ERLANG_PYTHON_SOCKET'), 'PYTHONPATH' in os.environ)"
CHILD = """
import subprocess, sys
code = "import erlang\\ntry: erlang.call('double_it', 1)\\nexcept erlang.NoNode: print('no node')"
subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": sys.argv[1]}, check=True)
"""


def test_erlpy_runs_without_a_folder_for_the_socket(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_FOLDER)
    done = subprocess.run(
        [*ERLPY, "-c", "print('runs')"],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "runs\n"), done.stderr
    assert "Child processes can't call this node" in done.stderr
    assert "read-only file system" in done.stderr


@pytest.fixture
def switched_off(programs: Programs) -> str:
    return programs.write("off.config", "[{erlang_python, [{python_processes, false}]}].")


def test_a_node_that_does_not_listen_has_no_socket(switched_off: str, programs: Programs) -> None:
    assert output(programs.node("--config", switched_off, "-c", SHOW)).startswith("None ")


def test_a_child_of_a_node_that_does_not_listen_has_no_node(
    switched_off: str, programs: Programs, root: Path
) -> None:
    program = programs.write("parent.py", CHILD)
    node = programs.node("--config", switched_off, program, str(root / "pysrc"))
    assert output(node) == "no node\n"
