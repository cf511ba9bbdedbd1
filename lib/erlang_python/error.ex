# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPython.Error do
  @moduledoc """
  A call of Python failed.

  `:reason` is that of `{:error, reason}`, e.g. `{:ValueError, "math domain error"}` or `:timeout`.
  `:traceback` is Python's traceback, or `nil` if there is none.
  """
  defexception [:reason, :traceback]

  @type t :: %__MODULE__{reason: ErlangPython.reason(), traceback: String.t() | nil}

  @impl true
  def exception(reason: reason), do: %__MODULE__{reason: reason, traceback: traceback(reason)}

  @impl true
  def message(%{reason: {name, text}}) when is_binary(text), do: "#{name}: #{text}"
  def message(%{reason: :timeout}), do: "the timeout ran out, and the Python code was interrupted"
  def message(%{reason: :not_running}), do: "the application erlang_python is not started"
  def message(%{reason: reason}), do: inspect(reason)

  # The calling process keeps the last one.
  defp traceback({_exception, text}) when is_binary(text) do
    case :py.last_traceback() do
      {:ok, traceback} -> traceback
      {:error, :none} -> nil
    end
  end

  defp traceback(_reason), do: nil
end
