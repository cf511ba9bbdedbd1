# SPDX-License-Identifier: Apache-2.0
"""Run pytest for a part of the tests, alone or in a node. Further arguments choose tests."""

import argparse
import os
import sys
from pathlib import Path

from node_command import node_command
from variants import node_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", help="its JUnit file is build/test-results/PART/pytest.xml")
    parser.add_argument("--folder", help="the tests are in tests/FOLDER, not in tests/PART")
    parser.add_argument("--tests", action="append", help="the usual tests, if not the folder's")
    parser.add_argument("--node", action="store_true", help="run in a node")
    parser.add_argument("--config", help="the node's configuration")
    parser.add_argument("--always", action="append", default=[], help="an argument of each run")
    options, arguments = parser.parse_known_args()
    folder = options.folder or options.part
    starter = [sys.executable]
    if options.node:
        config = ["--config", options.config] if options.config else []
        starter = node_command(folder, *config)
    report = Path("build/test-results", options.part, "pytest.xml").absolute()
    chosen = [*options.always, *(arguments or options.tests or [f"tests/{folder}"])]
    command = [*starter, "-m", "pytest", f"--junit-xml={report}", *chosen]
    os.execve(command[0], command, {**os.environ, **node_environment()})


if __name__ == "__main__":
    main()
