# SPDX-License-Identifier: Apache-2.0
"""Runs one command of a test part, with its output unchanged. A late command is ended with its
children.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence


def run(
    command: Sequence[str], *, seconds: float, environment: Mapping[str, str] | None = None
) -> int:
    """Return the exit status; negative when a signal ended the command, also a signal from here."""
    print(f"$ {' '.join(command)}", flush=True)
    # A separate session puts everything that the command starts into one group.
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        print(f"killed, not finished after {seconds:.0f} s: {command[0]}", file=sys.stderr)
        _end_group(process)
        return -signal.SIGKILL
    except BaseException:
        _end_group(process)
        raise


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
