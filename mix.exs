# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPython.MixProject do
  use Mix.Project

  # One description of the application, for rebar3 and for Mix.
  @description Path.join(__DIR__, "src/erlang_python.app.src")
  @external_resource @description
  {:ok, [{:application, :erlang_python, properties}]} = :file.consult(@description)
  @properties properties

  def project do
    [
      app: :erlang_python,
      version: List.to_string(@properties[:vsn]),
      description: List.to_string(@properties[:description]),
      elixir: "~> 1.14",
      elixirc_paths: elixirc_paths(Mix.env()),
      erlc_paths: ["erl/src"],
      erlc_include_path: "erl/src",
      erlc_options: [:debug_info],
      compilers: [:erlang_python_library | Mix.compilers()],
      test_paths: ["tests/elixir"],
      package: [
        files: Enum.map(@properties[:files], &List.to_string/1),
        exclude_patterns: Enum.map(@properties[:exclude_regexps], &Regex.compile!("#{&1}")),
        licenses: Enum.map(@properties[:licenses], &List.to_string/1),
        links: Map.new(@properties[:links], fn {name, url} -> {"#{name}", "#{url}"} end)
      ]
    ]
  end

  # Not `:test`: in the tests of a user's project, this is a dependency and may have that environment.
  defp elixirc_paths(:own_test), do: ["lib", "tests/elixir/support"]
  defp elixirc_paths(_environment), do: ["lib"]

  # Elixir's spelling is the default where Mix builds the application; the configuration can choose
  # otherwise.
  def application do
    [
      mod: @properties[:mod],
      registered: @properties[:registered],
      env: [none: nil, structs: :elixir]
    ]
  end
end

defmodule Mix.Tasks.Compile.ErlangPythonLibrary do
  @moduledoc false
  # Builds the native library, as rebar3 does by its hook, and puts the documentation of the Erlang
  # modules where `h :py` looks.
  use Mix.Task.Compiler

  @impl true
  def run(_arguments) do
    case System.cmd("sh", ["tools/rebar_hook.sh"], into: IO.stream(), stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {_output, _status} -> Mix.raise("the native library of erlang_python was not built")
    end

    # Links priv/, which did not exist before the first build.
    Mix.Project.build_structure()
    chunks = Path.join(Mix.Project.app_path(), "doc/chunks")
    File.mkdir_p!(chunks)
    if File.dir?("doc/chunks"), do: File.cp_r!("doc/chunks", chunks)
    {:ok, []}
  end
end
