# SPDX-License-Identifier: Apache-2.0
"""./dev soak: a long random load in a separate node, with checks of accounts and drift."""

import argparse
import secrets
import subprocess
import sys
from pathlib import Path

from node_command import node_command

RESULTS = Path("build/soak")
FEWEST_SECONDS = 10.0
# The time for the start and the pauses on a busy machine: a minute more than the program's own
# margin.
MARGIN = 240.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=600.0)
    parser.add_argument("--seed", type=int, help="replay a load; printed at the start of each")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder, default %(default)s")
    parser.add_argument("--pipes", action="store_true", help="channels wake by pipes, not eventfds")
    # Leaks on purpose, for the tests of the soak itself.
    parser.add_argument(
        "--leak",
        choices=["process", "table", "atom", "list", "descriptor"],
        help=argparse.SUPPRESS,
    )
    options = parser.parse_args()
    if options.seconds < FEWEST_SECONDS:
        parser.error(f"SECONDS must be at least {FEWEST_SECONDS:.0f}")
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    options.results.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}", flush=True)
    name = "soak_pipes" if options.pipes else "soak"
    config = f"tests/soak/support/{name}.config"
    node = node_command("soak", "--config", config, register=["soak_functions"])
    program = ["tests/soak/program.py", str(options.results), str(options.seconds)]
    program += ["--seed", str(seed), *(["--leak", options.leak] if options.leak else [])]
    limit = 1.2 * options.seconds + MARGIN
    try:
        # erlpy becomes the node, so that a late node is killed.
        done = subprocess.run(
            [*node, *program], stdin=subprocess.DEVNULL, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"killed, not finished after {limit:.0f} s", file=sys.stderr)
        return 1
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
