# SPDX-License-Identifier: Apache-2.0
"""erlpy without a checkout: in the build of a project, on PATH, and in a release."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import UserProject

REGISTER = ("--erl", "py:register_function(greet, fun user_module:greet/1)")
GREET = (*REGISTER, "-c", "print(erlang.greet('Joe'))")
ROOT_OF_NODE = (
    "py:register_function(root, fun([]) -> unicode:characters_to_binary(code:root_dir()) end)"
)


@pytest.mark.parametrize("place", ["priv/erlpy", "tools/erlpy"])
def test_it_runs_from_the_build_of_a_project(project: UserProject, place: str) -> None:
    assert project.run(str(project.dependency / place), *GREET) == "Hello, Joe\n"


def test_a_link_on_path_is_enough(project: UserProject, tmp_path: Path) -> None:
    (tmp_path / "erlpy").symlink_to(project.dependency / "priv/erlpy")
    environment = project.environment
    path = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    elsewhere = UserProject(tmp_path, {**environment, "PATH": path}, "")
    assert elsewhere.run("erlpy", *GREET) == "Hello, Joe\n"


@pytest.fixture(scope="module")
def release(project: UserProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release at another path than that of its build."""
    project.run("rebar3", "release")
    moved = tmp_path_factory.mktemp("release") / "moved"
    shutil.move(project.folder / "_build/default/rel/user_app", moved)
    return moved


def test_it_runs_in_a_release_with_its_runtime_and_configuration(
    project: UserProject, release: Path
) -> None:
    (launcher,) = release.glob("lib/erlang_python-*/priv/erlpy")
    program = ("--erl", ROOT_OF_NODE, "-c", "print(erlang.greet('Joe'), erlang.root())")
    said = project.run(str(launcher), *REGISTER, *program, cwd=release.parent)
    assert said == f"Welcome, Joe {release}\n"


def test_modules_of_an_application_are_found_in_its_priv_folder(
    project: UserProject, release: Path
) -> None:
    file = release / "lib/user_app-1.0.0/priv/python/user_service.py"
    (launcher,) = release.glob("lib/erlang_python-*/priv/erlpy")
    program = "import user_service; print(user_service.place)"
    assert project.run(str(launcher), "-c", program, cwd=release.parent) == f"{file}\n"


def test_a_release_may_have_it_in_its_bin_folder(project: UserProject, release: Path) -> None:
    (launcher,) = release.glob("lib/erlang_python-*/priv/erlpy")
    shutil.copy(launcher, release / "bin/erlpy")
    script = release.parent / "script.py"
    script.write_text("import sys; print(erlang.greet('Joe'), sys.argv[1:])")
    said = project.run(str(release / "bin/erlpy"), *REGISTER, str(script), "a b")
    assert said == "Welcome, Joe ['a b']\n"


def test_alone_it_says_what_it_misses(project: UserProject, tmp_path: Path) -> None:
    alone = tmp_path / "erlpy"
    shutil.copy(project.dependency / "priv/erlpy", alone)
    elsewhere = UserProject(tmp_path, project.environment, "")
    said = elsewhere.run("sh", "-c", f"{alone} -c pass || true")
    assert said.startswith(f"erlpy: {alone} belongs to no compiled erlang_python; build it, or ")
