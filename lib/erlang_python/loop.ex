# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPython.Loop do
  @moduledoc """
  An asyncio or uvloop loop in a process, for a supervisor.

      children = [
        {ErlangPython.Loop,
         name: :web, main: {"erlang.hosting", "uvicorn", ["service:app"], port: 8000}}
      ]

  Options:

    * `:name` - the name under which the process is registered
    * `:main` - `{module, function, args}` or `{module, function, args, kwargs}` of the coroutine
      function that the loop runs; without one, the loop runs until it is stopped
    * `:loop` - `:asyncio`, `:uvloop`, or `:auto` (the default): uvloop if it is installed
    * `:stop_timeout` - milliseconds for a graceful end; 5000 by default

  The process ends when its main coroutine ends. `h :py_loop` has the details.
  """

  @type loop :: pid() | atom() | {:global, term()} | {:via, module(), term()}

  @doc "The child specification for a supervisor. Its id is the loop's name."
  @spec child_spec(keyword() | map()) :: Supervisor.child_spec()
  def child_spec(options), do: :py_loop.child_spec(options)

  @doc "Starts a loop that is linked to the calling process; returns when the loop runs."
  @spec start_link(keyword() | map()) :: GenServer.on_start()
  def start_link(options \\ []), do: :py_loop.start_link(options)

  @doc """
  Runs `module.function(*args, **kwargs)` as a task of the loop and waits for its value.

  The option `:timeout` is in milliseconds, or `:infinity`; its default is 30000. When it runs out,
  the task is cancelled.
  """
  @spec call(
          loop(),
          ErlangPython.name(),
          ErlangPython.name(),
          [term()],
          ErlangPython.named(),
          timeout: timeout()
        ) :: ErlangPython.result()
  def call(loop, module, function, args \\ [], kwargs \\ [], options \\ []) do
    timeout = Keyword.validate!(options, timeout: 30_000)[:timeout]
    :py_loop.call(loop, module, function, args, kwargs, timeout)
  end

  @doc "Stops a loop: its main coroutine is cancelled and has its `:stop_timeout` to finish."
  @spec stop(loop()) :: :ok | {:error, :timeout | :not_running}
  def stop(loop), do: :py_loop.stop(loop)
end
