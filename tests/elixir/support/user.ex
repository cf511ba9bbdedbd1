# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPythonTest.User do
  @moduledoc false
  defstruct [:name, :age]
end

defmodule ErlangPythonTest.Team do
  @moduledoc false
  # A user's own collection.
  defstruct members: []

  defimpl Enumerable do
    def count(team), do: {:ok, length(team.members)}
    def member?(team, user), do: {:ok, user in team.members}
    def slice(_team), do: {:error, __MODULE__}
    def reduce(team, acc, fun), do: Enumerable.List.reduce(team.members, acc, fun)
  end
end

defmodule ErlangPythonTest.NotFound do
  @moduledoc false
  defexception [:name]

  @impl true
  def message(error), do: "there is no #{error.name}"
end
