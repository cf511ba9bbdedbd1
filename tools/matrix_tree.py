# SPDX-License-Identifier: Apache-2.0
"""A clean Debian tree: made by debootstrap, with this machine's access to the network."""

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

ROOT = Path.cwd()
MATRIX = ROOT / "build/matrix"
# The project's folder in a tree.
PROJECT = "/srv/erlang_python"
SCRIPTS = Path("/usr/share/debootstrap/scripts")
BASE = ("ca-certificates", "procps")

# Only one debootstrap may use debootstrap's cache of packages at a time.
_bootstrapping = threading.Lock()

# Variables by which package clients find their registries.
CERTIFICATES = {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"}
# Files with the same purpose. In the tree they have the same names.
SETTINGS = (
    "/etc/apt/apt.conf",
    "/etc/apt/apt.conf.d",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/resolv.conf",
    "/usr/local/share/ca-certificates",
)


class TreeError(Exception):
    """A tree could not be made; the text names the failed command and its log."""


@dataclass(frozen=True)
class Tree:
    name: str
    suite: str
    binds: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        return MATRIX / self.name

    @property
    def path(self) -> Path:
        return self.folder / "tree"

    @property
    def project(self) -> Path:
        return self.path / PROJECT.lstrip("/")

    def prepare(self, packages: Sequence[str], *, fresh: bool, log: TextIO) -> None:
        """Make the tree if it does not exist, else bring its packages up to date."""
        complete = self.folder / "complete"
        if fresh or not complete.exists():
            complete.unlink(missing_ok=True)
            shutil.rmtree(self.path, ignore_errors=True)
            self._bootstrap(log)
            complete.touch()
        self._hand_on_settings()
        self._must(["update-ca-certificates"], log)
        install = ["apt-get", "-q", "-y", "--no-install-recommends"]
        self._must(["apt-get", "-q", "update"], log)
        self._must([*install, "full-upgrade"], log)
        if packages:
            self._must([*install, "install", *packages], log)

    def clone(self, commit: str, *, keep_build: bool, log: TextIO) -> None:
        """Put a commit into the tree; remove an earlier build, unless it is kept on request."""
        if not (keep_build and self.project.exists()):
            shutil.rmtree(self.project, ignore_errors=True)
            _must(["git", "init", "-q", str(self.project)], log, os.environ)
        # By the commit's name: the last commit may have changed when this tree's turn comes.
        fetch = ["fetch", "-q", str(ROOT), commit]
        for command in [fetch, ["reset", "-q", "--hard", "FETCH_HEAD"], ["clean", "-fdq"]]:
            _must(["git", "-C", str(self.project), *command], log, os.environ)

    def run(self, command: Sequence[str], log: TextIO, **variables: str) -> int:
        """Run a command in the tree; return the exit status."""
        log.write(f"$ {' '.join(command)}\n")
        return run(self._inside(command, variables), log, self._outer_environment())

    def output(self, command: Sequence[str], **variables: str) -> str:
        """The output of a command in the tree; empty when the command fails."""
        done = subprocess.run(
            self._inside(command, variables),
            env=self._outer_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    def _bootstrap(self, log: TextIO) -> None:
        cache = MATRIX / "packages"
        cache.mkdir(parents=True, exist_ok=True)
        script = SCRIPTS / self.suite
        if not script.exists():
            script = SCRIPTS / "sid"
        # In namespaces, so that the mounts and processes of debootstrap vanish with it.
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--mount-proc"]
        command += ["--pid", "--fork", "--kill-child", "debootstrap", "--variant=minbase"]
        command += [f"--include={','.join(BASE)}", f"--cache-dir={cache}"]
        command += [self.suite, str(self.path), mirror(), str(script)]
        with _bootstrapping:
            _must(command, log, os.environ)

    def _hand_on_settings(self) -> None:
        for name in SETTINGS:
            _copy(Path(name), self.path / name.lstrip("/"))
        for name in (".config/pip", ".pip"):
            _copy(Path.home() / name, self.path / "root" / name)

    def _must(self, command: Sequence[str], log: TextIO) -> None:
        variables = {"DEBIAN_FRONTEND": "noninteractive"}
        _must(self._inside(command, variables), log, self._outer_environment())

    def _inside(self, command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
        environment = {
            **registry_variables(os.environ),
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **variables,
        }
        named = [f"{name}={value}" for name, value in environment.items()]
        return ["sh", "tools/tree.sh", str(self.path), "env", "-i", *named, *command]

    def _outer_environment(self) -> dict[str, str]:
        found = Path(os.environ.get("PIP_FIND_LINKS", ""))
        links = [found] if found.is_absolute() and found.is_dir() else []
        return {**os.environ, "BINDS": " ".join(map(str, [*links, *self.binds]))}


def registry_variables(environment: Mapping[str, str]) -> dict[str, str]:
    def tells(name: str) -> bool:
        lower = name.lower()
        return name in CERTIFICATES or name.startswith("PIP_") or lower.endswith("_proxy")

    return {name: value for name, value in environment.items() if tells(name)}


def mirror() -> str:
    """The address from which this machine's apt gets Debian's packages."""
    query = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        origin, _, rest = line.partition(" ")
        label, _, address = rest.partition(" ")
        if origin == label == "Debian":
            return address
    raise TreeError("apt on this machine knows no archive of Debian; run apt-get update")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)


def _must(command: Sequence[str], log: TextIO, environment: Mapping[str, str]) -> None:
    # Without variables: an address in a variable may have a password.
    said = " ".join(word for word in command if "=" not in word)
    log.write(f"$ {said}\n")
    status = run(command, log, environment)
    if status != 0:
        raise TreeError(f"`{said}` ended with {status}; see {log.name}")


class Running:
    """The running commands of all threads; Ctrl-C ends them all at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._ended:
                raise TreeError("interrupted")
            process = subprocess.Popen(command, **options)
            self._processes.add(process)
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        status = process.wait()
        with self._lock:
            self._processes.discard(process)
        return status

    def end(self) -> None:
        """Kill every command. A tree's processes and mounts end with its first process."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                process.kill()


RUNNING = Running()


def run(command: Sequence[str], log: TextIO, environment: Mapping[str, str]) -> int:
    log.flush()
    # A separate session: Ctrl-C at the terminal goes to this program, which ends the command.
    process = RUNNING.start(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return RUNNING.wait(process)
