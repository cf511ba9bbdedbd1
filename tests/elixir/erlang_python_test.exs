# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPythonTest do
  use ExUnit.Case

  setup do
    on_exit(fn -> Enum.each(ErlangPython.registered(), &ErlangPython.unregister/1) end)
  end

  doctest ErlangPython

  test "keyword arguments, locals and options are keyword lists or maps" do
    assert {:ok, text} = ErlangPython.call(:json, :dumps, [%{a: 1}], indent: 2, sort_keys: true)
    assert text == "{\n  \"a\": 1\n}"
    assert ErlangPython.call(:json, :dumps, [%{a: 1}], %{"indent" => 2}) == {:ok, text}
    assert ErlangPython.eval("x + y", %{x: 1, y: 2}) == {:ok, 3}
    assert ErlangPython.eval("1", [], timeout: :infinity) == {:ok, 1}
  end

  test "an option that does not exist is refused" do
    assert_raise ArgumentError, ~r/unknown keys \[:time\]/, fn ->
      ErlangPython.call(:math, :sqrt, [1], [], time: 1)
    end
  end

  test "an argument of the wrong type is explained" do
    explained = ~r/3rd argument: must be the list of the function's arguments/
    assert_raise ArgumentError, explained, fn -> ErlangPython.call(:math, :sqrt, 16) end
  end

  test "functions with ! return the value or raise what Python raised" do
    assert ErlangPython.call!(:math, :sqrt, [16]) == 4.0
    assert ErlangPython.eval!("6 * 7") == 42
    assert ErlangPython.exec!("answer = 42") == :ok
    error = assert_raise ErlangPython.Error, fn -> ErlangPython.eval!("int('x')") end
    assert {:ValueError, text} = error.reason
    assert Exception.message(error) == "ValueError: #{text}"
    assert error.traceback =~ "Traceback (most recent call last)"

    late =
      assert_raise ErlangPython.Error, fn ->
        ErlangPython.eval!("[x for x in iter(int, 1)]", [], timeout: 20)
      end

    assert {late.reason, late.traceback} == {:timeout, nil}
  end

  test "functions of any arity are applied to the arguments" do
    :ok = ErlangPython.register(:none, fn -> "none" end)
    :ok = ErlangPython.register(:upcase, &String.upcase/1)
    :ok = ErlangPython.register("repeat", &String.duplicate/2, concurrency: 2)
    :ok = ErlangPython.register(:all, &Enum.sum/1, apply: false)
    assert ErlangPython.eval("erlang.call('none')") == {:ok, "none"}
    assert ErlangPython.eval("erlang.upcase('abc')") == {:ok, "ABC"}
    assert ErlangPython.eval("erlang.call('repeat', 'ab', 2)") == {:ok, "abab"}
    assert ErlangPython.eval("erlang.call('all', 1, 2, 3)") == {:ok, 6}
  end

  test "a bad option of a function raises" do
    assert_raise ArgumentError, ~r/upcase.*concurrency/, fn ->
      ErlangPython.register(:upcase, &String.upcase/1, concurrency: 0)
    end
  end

  test "an exception is printed in Python as Elixir prints it" do
    :ok = ErlangPython.register(:find, fn name -> raise ErlangPythonTest.NotFound, name: name end)

    assert {:error, {:Error, text}} = ErlangPython.eval("erlang.find('Joe')")
    assert text == "find: ** (ErlangPythonTest.NotFound) there is no Joe"
  end

  test "a wrong number of arguments is explained" do
    :ok = ErlangPython.register(:upcase, &String.upcase/1)
    assert {:error, {:Error, text}} = ErlangPython.eval("erlang.upcase('a', 'b')")
    assert text =~ "the fun takes 1 argument, the call has 2"
  end

  test "h shows the documentation of the Erlang modules, too" do
    for module <- [ErlangPython, ErlangPython.Loop, :py, :py_loop, :py_adapter] do
      assert {:docs_v1, _, _, _, %{"en" => _}, _, _} = Code.fetch_docs(module)
    end
  end
end
