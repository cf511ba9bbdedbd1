# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPythonTest.JUnit do
  @moduledoc false
  # Writes the results where `./dev test` counts them, in the file that JUNIT_FILE names.
  use GenServer

  @impl true
  def init(_options), do: {:ok, []}

  @impl true
  def handle_cast({:test_finished, test}, cases), do: {:noreply, [testcase(test) | cases]}

  def handle_cast({:suite_finished, _times}, cases) do
    report = ["<testsuite name=\"elixir\">", Enum.reverse(cases), "</testsuite>\n"]
    File.write!(System.fetch_env!("JUNIT_FILE"), report)
    {:noreply, cases}
  end

  def handle_cast(_event, cases), do: {:noreply, cases}

  defp testcase(test) do
    [
      ~s(<testcase classname="#{escaped(test.module)}" name="#{escaped(test.name)}">),
      outcome(test.state)
    ] ++
      ["</testcase>\n"]
  end

  defp outcome(nil), do: ""
  defp outcome({:skipped, _why}), do: "<skipped/>"
  defp outcome({:excluded, _why}), do: "<skipped/>"
  defp outcome(_failed), do: "<failure/>"

  defp escaped(name) do
    Enum.reduce([{"&", "&amp;"}, {"<", "&lt;"}, {~s("), "&quot;"}], to_string(name), fn {from, to},
                                                                                        text ->
      String.replace(text, from, to)
    end)
  end
end
