# SPDX-License-Identifier: Apache-2.0
"""The command that starts a node for a folder of tests, with the folder's Erlang functions."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def node_command(folder: str, *options: str, register: Sequence[str] = ()) -> list[str]:
    """Compile tests/FOLDER/support. Return a command of erlpy; the program's words follow it.

    ``register``: the modules that register functions, if not all.
    """
    beams = Path("build/test-beams", folder)
    shutil.rmtree(beams, ignore_errors=True)
    beams.mkdir(parents=True)
    sources = sorted(Path("tests", folder, "support").glob("*.erl"))
    if sources:
        command = ["erlc", "-Werror", "-o", str(beams), *map(str, sources)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    starter = [sys.executable, "-I", "-S", "tools/erlpy", "-pa", str(beams)]
    for module in register or [source.stem for source in sources]:
        starter += ["--erl", f"{module}:register()"]
    return [*starter, *options]
