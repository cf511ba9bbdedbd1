# SPDX-License-Identifier: Apache-2.0
"""A user's project that depends on the package: the files that hex would publish, and no others."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Prints the names in a list of the application's properties, one a line.
LISTED = """
    {ok, [{application, _, Properties}]} = file:consult("src/erlang_python.app.src"),
    [io:format("~ts~n", [Name]) || Name <- proplists:get_value(KEY, Properties)],
    halt()."""

CONFIG = """{erl_opts, [debug_info]}.
{deps, [{erlang_python, {git, "file://%s", {branch, "main"}}}]}.
{relx, [{release, {user_app, "1.0.0"}, [user_app]}, {mode, prod}, {sys_config, "sys.config"}]}.
"""
APPLICATION = """{application, user_app, [
    {vsn, "1.0.0"}, {applications, [kernel, stdlib, erlang_python]}]}.
"""
MODULE = """-module(user_module).
-export([greet/1]).

greet([Name]) -> <<(word())/binary, ", ", Name/binary>>.

word() ->
    _ = application:load(user_app),
    application:get_env(user_app, word, <<"Hello">>).
"""
PYTHON_MODULE = "place = __file__\n"
SETTINGS = """[
    {user_app, [{word, <<"Welcome">>}]},
    {erlang_python, [{python_path, [{priv_dir, user_app, "python"}]}]}
].
"""


def listed(key: str) -> list[str]:
    expression = LISTED.replace("KEY", key)
    command = ["erl", "-noshell", "-eval", expression]
    return subprocess.check_output(command, cwd=ROOT, text=True).splitlines()


def variables(tools: Path) -> dict[str, str]:
    """Those of a user's terminal, with Meson and Ninja on PATH: nothing is downloaded."""
    own = str(Path(sys.executable).parent)
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own]
    tools.mkdir()
    for name in ("meson", "ninja"):
        (tools / name).symlink_to(Path(own, name))
    inherited = {name: value for name, value in os.environ.items() if name != BUILT}
    return {**inherited, "PATH": os.pathsep.join([*path, str(tools)])}


# `./dev` tells the hook by this variable that the native library is built.
BUILT = "ERLANG_PYTHON_BUILT"


def copy_package(folder: Path) -> None:
    excluded = [re.compile(pattern) for pattern in listed("exclude_regexps")]
    for name in listed("files"):
        source = ROOT / name
        assert source.exists(), f"{name} of the file list is not there"
        for file in [source] if source.is_file() else source.rglob("*"):
            known = str(file.relative_to(ROOT))
            if file.is_file() and not any(pattern.search(known) for pattern in excluded):
                (folder / known).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, folder / known)


@dataclass(frozen=True)
class UserProject:
    """A project that was compiled once, with the output of that."""

    folder: Path
    environment: dict[str, str]
    output: str

    @property
    def dependency(self) -> Path:
        return self.folder / "_build/default/lib/erlang_python"

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def evaluate(self, *expressions: str, form: str = "~tp") -> list[str]:
        """Print the values of Erlang expressions, in a node with the application's code."""
        prints = "".join(f'io:format("{form}~n", [{expression}]), ' for expression in expressions)
        command = ["erl", "-noshell", "-pa", str(self.dependency / "ebin"), "-eval"]
        return self.run(*command, f"{prints} halt().").splitlines()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    place = tmp_path_factory.mktemp("user")
    package, folder = place / "erlang_python", place / "project"
    copy_package(package)
    for command in (
        ["git", "init", "--quiet", "--initial-branch=main"],
        ["git", "add", "--all"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Package"],
    ):
        subprocess.run(command, cwd=package, check=True)
    (folder / "src").mkdir(parents=True)
    (folder / "rebar.config").write_text(CONFIG % package)
    (folder / "src/user_app.app.src").write_text(APPLICATION)
    (folder / "src/user_module.erl").write_text(MODULE)
    (folder / "priv/python").mkdir(parents=True)
    (folder / "priv/python/user_service.py").write_text(PYTHON_MODULE)
    (folder / "sys.config").write_text(SETTINGS)
    compiled = UserProject(folder, variables(place / "tools"), "")
    output = compiled.run("rebar3", "compile")
    return UserProject(folder, compiled.environment, output)
