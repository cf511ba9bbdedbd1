# SPDX-License-Identifier: Apache-2.0
"""Run the Elixir tests: the package as Mix builds it. Without Elixir they count as skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPORT = Path("build/test-results/elixir/exunit.xml").absolute()
SKIPPED = '<testsuite><testcase name="elixir"><skipped/></testcase></testsuite>\n'
FORMATTERS = ["--formatter", "ExUnit.CLIFormatter", "--formatter", "ErlangPythonTest.JUnit"]


def main() -> int:
    mix = shutil.which("mix")
    if mix is None:
        print("Elixir is not installed: its tests are skipped")
        REPORT.write_text(SKIPPED)
        return 0
    # rebar3 has its files in _build. Elixir wants text in UTF-8.
    variables = {
        "MIX_ENV": "own_test",
        "MIX_BUILD_PATH": str(Path("build/mix").absolute()),
        "ELIXIR_ERL_OPTIONS": "+fnu",
        "JUNIT_FILE": str(REPORT),
    }
    command = [mix, "test", *FORMATTERS, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
