# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPythonTest.Loop do
  use ExUnit.Case

  alias ErlangPython.Loop

  test "a loop is a child of a supervisor, with keyword options" do
    start_supervised!({Loop, name: :jobs, loop: :asyncio, stop_timeout: 1000})
    assert Loop.call(:jobs, :asyncio, :sleep, [0.01, "slept"]) == {:ok, "slept"}
    assert Loop.call(:jobs, :asyncio, :sleep, [10], [], timeout: 10) == {:error, :timeout}
    assert Loop.stop(:jobs) == :ok
  end

  test "the main coroutine may be named by strings, with keyword arguments" do
    :ok = ErlangPython.register(:ready, fn pid, name -> send(pid, {:ready, name}) end)

    :ok =
      ErlangPython.exec("""
      async def serve(pid, *, name):
          import asyncio
          await erlang.async_call("ready", pid, name)
          await asyncio.Event().wait()
      """)

    start_supervised!({Loop, name: :serving, main: {"__main__", "serve", [self()], name: "web"}})
    assert_receive {:ready, "web"}, 5000
  end

  test "a bad option is named" do
    assert_raise ErlangError, ~r/bad_option.*stop_timeout/, fn ->
      Loop.child_spec(stop_timeout: -1)
    end
  end
end
