# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPython do
  @moduledoc """
  Python in this node, for Elixir: calls Python, and lets Python call Elixir functions.

      iex> ErlangPython.call(:math, :sqrt, [16])
      {:ok, 4.0}
      iex> ErlangPython.eval("x * y", x: 6, y: 7)
      {:ok, 42}

  Results are `{:ok, value}` or `{:error, reason}`. A Python exception becomes
  `{:error, {:ValueError, "text"}}`; functions with `!` raise `ErlangPython.Error` instead. The option
  `:timeout` is in milliseconds, or `:infinity`; its default is 30000. When it runs out, the Python
  code is interrupted and the result is `{:error, :timeout}`.

  ## Values

  `nil` is `None`, both ways. Dates, times, `Decimal`, `MapSet` and `Range` become Python's own, and
  Python's become structs. Any other struct is a dict of its fields in Python, unless `adapt/2` gives
  Python another value. A struct that Python would take for its fields, such as a `Stream`, is refused.

  ## Loops

  `ErlangPython.Loop` runs an asyncio or uvloop loop, e.g. with a web server, under a supervisor.

  This module is a thin layer on the Erlang modules `:py`, `:py_loop` and `:py_adapter`, which have
  more functions: see `h :py`.
  """

  @typedoc "The name of a Python module or function; it may be a dotted path."
  @type name :: atom() | String.t()

  @typedoc "Named values."
  @type named :: keyword() | %{optional(name()) => term()}

  @type reason :: {exception :: atom() | String.t(), text :: String.t()} | atom() | term()
  @type result :: {:ok, term()} | {:error, reason()}

  @doc """
  Calls `module.function(*args, **kwargs)` and waits for its value.

      iex> ErlangPython.call(:json, :dumps, [%{a: 1}], indent: 2)
      {:ok, "{\\n  \\"a\\": 1\\n}"}
      iex> ErlangPython.call(:time, :sleep, [10], [], timeout: 10)
      {:error, :timeout}
  """
  @spec call(name(), name(), [term()], named(), timeout: timeout()) :: result()
  def call(module, function, args \\ [], kwargs \\ [], options \\ []),
    do: :py.call(module, function, args, kwargs, timeout(options))

  @doc """
  The same as `call/5`; returns the value, and raises `ErlangPython.Error` if the call fails.

      iex> ErlangPython.call!(:math, :sqrt, [16])
      4.0
  """
  @spec call!(name(), name(), [term()], named(), timeout: timeout()) :: term()
  def call!(module, function, args \\ [], kwargs \\ [], options \\ []),
    do: value!(call(module, function, args, kwargs, options))

  @doc """
  Evaluates a Python expression with local variables.

      iex> ErlangPython.eval("[n * n for n in numbers]", numbers: 1..3)
      {:ok, [1, 4, 9]}
  """
  @spec eval(String.t(), named(), timeout: timeout()) :: result()
  def eval(code, locals \\ [], options \\ []), do: :py.eval(code, locals, timeout(options))

  @doc "The same as `eval/3`; returns the value, and raises `ErlangPython.Error` if it fails."
  @spec eval!(String.t(), named(), timeout: timeout()) :: term()
  def eval!(code, locals \\ [], options \\ []), do: value!(eval(code, locals, options))

  @doc """
  Runs Python statements in `__main__`, which all processes share; waits up to 30 seconds.

      iex> ErlangPython.exec("def double(x): return x * 2")
      :ok
      iex> ErlangPython.eval("double(21)")
      {:ok, 42}
  """
  @spec exec(String.t()) :: :ok | {:error, reason()}
  def exec(code), do: :py.exec(code)

  @doc "The same as `exec/1`; raises `ErlangPython.Error` if it fails."
  @spec exec!(String.t()) :: :ok
  def exec!(code) do
    with {:error, _} = error <- exec(code), do: value!(error)
  end

  @doc """
  Starts a call and returns at once; `await/2` returns the value.

  The call is interrupted when the calling process dies.

      iex> call = ErlangPython.async(:math, :factorial, [5])
      iex> ErlangPython.await(call)
      {:ok, 120}
  """
  @spec async(name(), name(), [term()], named()) :: reference()
  def async(module, function, args \\ [], kwargs \\ []),
    do: :py.call_async(module, function, args, kwargs)

  @doc """
  Starts a coroutine function on the default loop and returns at once; `await/2` returns the value.

      iex> call = ErlangPython.coroutine(:asyncio, :sleep, [0.01, "done"])
      iex> ErlangPython.await(call)
      {:ok, "done"}
  """
  @spec coroutine(name(), name(), [term()], named()) :: reference()
  def coroutine(module, function, args \\ [], kwargs \\ []),
    do: :py.async_call(module, function, args, kwargs)

  @doc "Waits for a call that this process has started by `async/4` or `coroutine/4`."
  @spec await(reference(), timeout: timeout()) :: result()
  def await(call, options \\ []), do: :py.await(call, timeout(options))

  @doc """
  Calls a Python function that returns an iterable, and collects all its items.

      iex> ErlangPython.stream(:builtins, :zip, [1..2, ["a", "b"]])
      {:ok, [{1, "a"}, {2, "b"}]}
  """
  @spec stream(name(), name(), [term()], named()) :: {:ok, [term()]} | {:error, reason()}
  def stream(module, function, args \\ [], kwargs \\ []),
    do: :py.stream(module, function, args, kwargs)

  @doc """
  Makes an Elixir function callable from Python as `erlang.call("name", ...)`.

  The function is applied to the arguments of the call, whatever its arity. Options:

    * `:concurrency` - how many calls run at the same time in the node; `:infinity` by default
    * `:overload` - `:refuse`, the default, fails a call over this limit; `:wait` lets it wait
    * `:binaries` - `:text` or `:bytes`: what the binaries of its result are in Python
    * `:apply` - with `false` the function, of one argument, gets the list of all arguments

  A bad option raises `ArgumentError`.

      iex> ErlangPython.register(:upcase, &String.upcase/1)
      :ok
      iex> ErlangPython.eval("erlang.upcase('abc')")
      {:ok, "ABC"}
  """
  @spec register(name(), fun(), keyword()) :: :ok
  def register(name, function, options \\ []) do
    options = Keyword.put_new(options, :apply, true)

    with {:error, reason} <- :py.register_function(name, function, options) do
      raise ArgumentError, "the function #{name} can't be registered: #{inspect(reason)}"
    end
  end

  @doc "Removes a registered function; its calls under way go on."
  @spec unregister(name()) :: :ok
  def unregister(name), do: :py.unregister_function(name)

  @doc "The names of all registered functions, sorted."
  @spec registered() :: [String.t()]
  def registered, do: :py.registered()

  @doc """
  Lets a function give Python another value for a struct than the dict of its fields.

      iex> ErlangPython.adapt(URI, &URI.to_string/1)
      :ok
      iex> ErlangPython.eval("uri", uri: URI.parse("http://localhost/"))
      {:ok, "http://localhost/"}
  """
  @spec adapt(struct :: module(), (struct() -> term())) :: :ok | {:error, :not_running}
  def adapt(struct, function), do: :py_adapter.register(struct, function)

  defp value!({:ok, value}), do: value
  defp value!({:error, reason}), do: raise(ErlangPython.Error, reason: reason)

  defp timeout(options), do: Keyword.validate!(options, timeout: 30_000)[:timeout]
end
