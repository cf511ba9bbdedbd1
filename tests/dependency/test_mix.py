# SPDX-License-Identifier: Apache-2.0
"""The package as a dependency of a Mix project."""

import shutil
from pathlib import Path

import pytest
from conftest import UserProject

pytestmark = pytest.mark.skipif(shutil.which("mix") is None, reason="Elixir is not installed")

MIX = """defmodule UserApp.MixProject do
  use Mix.Project

  def project, do: [app: :user_app, version: "1.0.0", deps: deps()]
  def application, do: []
  defp deps, do: [{:erlang_python, path: "%s"}]
end
"""


@pytest.fixture(scope="module")
def mix_project(project: UserProject, tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    folder = tmp_path_factory.mktemp("mix")
    (folder / "mix.exs").write_text(MIX % project.dependency)
    (folder / "lib").mkdir()
    variables = {**project.environment, "ELIXIR_ERL_OPTIONS": "+fnu", "MIX_ENV": "dev"}
    compiled = UserProject(folder, variables, "")
    return UserProject(folder, variables, compiled.run("mix", "compile"))


def evaluated(project: UserProject, expression: str) -> str:
    """What Elixir prints; Mix may say before that it compiles."""
    return project.run("mix", "run", "-e", f"IO.inspect({expression})").splitlines()[-1]


def test_mix_compiles_the_package(mix_project: UserProject) -> None:
    assert "warning" not in mix_project.output
    assert evaluated(mix_project, "ErlangPython.call(:math, :sqrt, [16])") == "{:ok, 4.0}"


def test_values_have_elixirs_spelling_by_default(mix_project: UserProject) -> None:
    assert evaluated(mix_project, 'ErlangPython.eval("None")') == "{:ok, nil}"
    assert evaluated(mix_project, 'ErlangPython.eval("range(3)")') == "{:ok, 0..2}"


def test_the_configuration_has_the_last_word(mix_project: UserProject) -> None:
    config = mix_project.folder / "config/config.exs"
    config.parent.mkdir()
    config.write_text("import Config\nconfig :erlang_python, none: :none, structs: :none\n")
    try:
        assert evaluated(mix_project, 'ErlangPython.eval("None")') == "{:ok, :none}"
    finally:
        shutil.rmtree(config.parent)


def test_a_script_without_consolidated_protocols_refuses_the_same_structs(
    mix_project: UserProject,
) -> None:
    code = """
        {:ok, _} = Application.ensure_all_started(:erlang_python)
        {:error, {:TypeError, text}} = ErlangPython.eval("v", v: Stream.map(1..3, & &1))
        IO.puts(text)
    """
    code_path = str(mix_project.folder / "_build/dev/lib/erlang_python/ebin")
    said = mix_project.run("elixir", "-pa", code_path, "-e", code)
    assert "there is no Python value for the struct Stream" in said


@pytest.mark.parametrize("module", ["ErlangPython", ":py", ":py_loop"])
def test_iex_shows_the_documentation(mix_project: UserProject, module: str) -> None:
    docs = f'match?({{:docs_v1, _, _, _, %{{"en" => _}}, _, _}}, Code.fetch_docs({module}))'
    assert evaluated(mix_project, docs) == "true"


def test_a_release_works_without_the_projects_folders(
    mix_project: UserProject, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    mix_project.run("mix", "release", "--quiet", "--path", str(release))
    code = """
        {:ok, _} = Application.ensure_all_started(:erlang_python)
        IO.inspect(ErlangPython.eval("[None, erlang.__file__]"))
    """
    hidden = mix_project.folder / "_build"
    hidden.rename(tmp_path / "_build")
    try:
        said = mix_project.run(str(release / "bin/user_app"), "eval", code, cwd=tmp_path)
    finally:
        (tmp_path / "_build").rename(hidden)
    assert f'{{:ok, [nil, "{release}/lib/erlang_python-' in " ".join(said.split())


def test_the_compiled_application_is_complete(mix_project: UserProject) -> None:
    built = Path(mix_project.folder, "_build/dev/lib/erlang_python")
    assert (built / "priv/erlang_python_nif.so").is_file()
    assert (built / "ebin/Elixir.ErlangPython.beam").is_file()
