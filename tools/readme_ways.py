# SPDX-License-Identifier: Apache-2.0
"""./dev test readme: what README's "Your first service" says, done in an empty Debian tree.

README's code blocks name their way after the language: ```` ```sh rebar3 ````. A file's block names
the file too, a block with `service` starts a service that goes on. A comment behind a command is
the output that README promises.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matrix_tree import PROJECT, Tree, TreeError

README = Path("README.md")
SERVER = "https://your.git.server/erlang_python.git"
SUITE = "bookworm"
SERVICE_IS_UP = "curl -s -o /dev/null http://127.0.0.1:8000/"
BLOCK = re.compile(r"^```\w+ (\w+(?:,\w+)*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^(?P<command>.*\S)\s+# (?P<output>.*)$")


@dataclass(frozen=True)
class Block:
    ways: frozenset[str]
    purpose: str  # a file's name, "service", or nothing: commands
    text: str


def blocks(readme: str) -> list[Block]:
    return [
        Block(frozenset(ways.split(",")), purpose, text)
        for ways, purpose, text in BLOCK.findall(readme)
    ]


def script(way: str, found: list[Block]) -> str:
    """One shell script that follows a way from its first block to its last."""
    lines = ["set -eux", "mkdir -p /srv/my_app", "cd /srv/my_app"]
    for block in found:
        if way in block.ways:
            text = block.text.replace(SERVER, f"file://{PROJECT}")
            lines += steps(Block(block.ways, block.purpose, text))
    return "\n".join(lines) + "\n"


def steps(block: Block) -> Iterator[str]:
    if block.purpose == "service":
        # Standard input stays open, as on a terminal.
        yield f"tail -f /dev/null | {{ {block.text.strip()}\n}} >service.log 2>&1 &"
        yield "service=$!"
        yield f"until {SERVICE_IS_UP}; do kill -0 $service; sleep 0.5; done"
    elif block.purpose:
        name = shlex.quote(block.purpose)
        yield f'mkdir -p "$(dirname {name})"'
        yield f"cat >{name} <<'END_OF_FILE'\n{block.text}END_OF_FILE"
    else:
        for line in block.text.splitlines():
            promise = PROMISE.match(line)
            if promise and promise["command"].startswith("curl"):
                yield f"said=$({promise['command']})"
                yield f'test "$said" = {shlex.quote(promise["output"])}'
            else:
                yield line


def try_way(way: str, found: list[Block], commit: str) -> bool:
    tree = Tree(f"readme-{way}", SUITE)
    tree.folder.mkdir(parents=True, exist_ok=True)
    log = tree.folder / "way.log"
    with log.open("w") as file:
        try:
            tree.prepare((), fresh=True, log=file)
            tree.clone(commit, keep_build=False, log=file)
            subprocess.run(["git", "-C", str(tree.project), "branch", "-f", "main"], check=True)
            passed = tree.run(["sh", "-c", script(way, found)], file) == 0
        except TreeError as error:
            print(error, file=sys.stderr)
            passed = False
    print(f"{way}: {'ok' if passed else f'failed, see {log}'}", flush=True)
    return passed


def main() -> int:
    found = blocks(README.read_text())
    ways = sorted(set().union(*(block.ways for block in found)))
    chosen = sys.argv[1:] or ways
    if unknown := set(chosen) - set(ways):
        raise SystemExit(f"dev: README has no way {' '.join(sorted(unknown))}; it has {ways}")
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    passed = sum([try_way(way, found, commit) for way in chosen])
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
