# SPDX-License-Identifier: Apache-2.0
"""The same calls from a process beside the node: a child, which measures on demand.

Run as a program, this module is the child. Each line of its input names a measurement and a number
of calls; each line of its output has the durations.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

NAME = "erlang, beside the node"
FOLDER = Path(__file__).resolve().parents[1]


class Child:
    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "subjects.beside"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=FOLDER,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)

    def durations(self, measurement: str, calls: int) -> list[float]:
        """In microseconds: of ``calls`` single calls, or a call's share of gathers of as many."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{measurement} {calls}\n")
        self._process.stdin.flush()
        measured: list[float] = json.loads(self._process.stdout.readline())
        return measured


def main() -> None:
    from workloads.rounds import timed, timed_awaits, timed_gathers

    from subjects import erlang_calls

    with asyncio.Runner() as loop:
        for line in sys.stdin:
            measurement, calls = line.split()
            if measurement == "call":
                durations = timed(int(calls), erlang_calls.call)
            elif measurement == "await":
                durations = loop.run(timed_awaits(int(calls), erlang_calls.one))
            else:
                durations = loop.run(timed_gathers(5, int(calls), erlang_calls.gather))
            print(json.dumps(durations), flush=True)


if __name__ == "__main__":
    main()
