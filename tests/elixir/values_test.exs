# SPDX-License-Identifier: Apache-2.0
defmodule ErlangPythonTest.Values do
  use ExUnit.Case, async: true

  alias ErlangPythonTest.{Team, User}

  setup_all do
    ErlangPython.exec!("""
    from datetime import date, datetime, time, timedelta, timezone
    from decimal import Decimal
    """)
  end

  defp python(value, code), do: ErlangPython.eval!(code, v: value)

  defp assert_twins(value, code) do
    assert python(value, code) == true, "#{inspect(value)} is not #{code}"
    assert python(value, "v") == value
  end

  test "nil stays nil, alone and inside" do
    assert_twins(nil, "v is None")
    assert_twins(%{"a" => nil, nil => [nil]}, "v == {'a': None, None: [None]}")
    assert ErlangPython.eval!("{'a': None}") == %{"a" => nil}
    :ok = ErlangPython.register(:is_nil, fn nil -> "matched" end)
    assert ErlangPython.eval!("erlang.call('is_nil', None)") == "matched"
    assert {:ok, nil} = ErlangPython.call(:gc, :enable)
    assert :ok = ErlangPython.exec("pass")
    assert {:ok, [1, 2]} = ErlangPython.stream(:builtins, :iter, [[1, 2]])
  end

  test "booleans, atoms, strings, numbers" do
    for value <- [true, false, :atom, "héllo", 7, -1.5, 2 ** 100, {1, [2, %{"k" => 3}]}] do
      assert python(value, "v") == value
    end
  end

  test "dates and times" do
    assert_twins(~D[2024-02-29], "v == date(2024, 2, 29)")
    assert_twins(~T[23:59:01], "v == time(23, 59, 1)")
    assert_twins(~T[23:59:01.000007], "v == time(23, 59, 1, 7)")
    assert_twins(~N[2024-01-02 03:04:05], "v == datetime(2024, 1, 2, 3, 4, 5)")

    assert_twins(
      ~U[2024-01-02 03:04:05.123456Z],
      "v == datetime(2024, 1, 2, 3, 4, 5, 123456, timezone.utc)"
    )

    assert python(~D[2024-01-02], "v + timedelta(days=30)") == ~D[2024-02-01]
  end

  test "an instant of a zone keeps the zone" do
    summer = %DateTime{
      calendar: Calendar.ISO,
      year: 2024,
      month: 7,
      day: 1,
      hour: 12,
      minute: 0,
      second: 0,
      microsecond: {0, 0},
      time_zone: "Europe/Berlin",
      zone_abbr: "CEST",
      utc_offset: 3600,
      std_offset: 3600
    }

    assert_twins(summer, "v.utcoffset() == timedelta(hours=2) and v.tzinfo.key == 'Europe/Berlin'")
    # The second of two equal local times.
    twice = %{summer | month: 10, day: 27, hour: 2, minute: 30, zone_abbr: "CET", std_offset: 0}
    assert_twins(twice, "v.utcoffset() == timedelta(hours=1) and v.fold == 1")
    # A zone that Python does not have, and an offset without a zone.
    mars = %{summer | time_zone: "Mars/Olympus", zone_abbr: "MST", utc_offset: 1234, std_offset: 0}
    assert python(mars, "v.utcoffset().total_seconds()") == 1234.0
    assert python(mars, "v") == DateTime.from_unix!(DateTime.to_unix(mars))
  end

  test "values that the other side does not have are refused" do
    for {value, text} <- [
          {Date.new!(-1, 1, 1), "-1"},
          {%{~D[2024-01-01] | calendar: Calendar.Other}, "no calendar like Elixir.Calendar.Other"}
        ] do
      assert {:error, {_, said}} = ErlangPython.eval("v", v: [value])
      assert said =~ text
    end
  end

  test "decimals" do
    for {sign, coef, exp, text} <- [
          {1, 1234, -2, "12.34"},
          {-1, 0, 0, "-0"},
          {1, 5, 30, "5E+30"},
          {-1, 10 ** 40, -1, "-1" <> String.duplicate("0", 39) <> ".0"}
        ] do
      assert_twins(%Decimal{sign: sign, coef: coef, exp: exp}, "str(v) == '#{text}'")
    end

    assert_twins(%Decimal{coef: :inf}, "v == Decimal('Infinity')")
    assert_twins(%Decimal{coef: :NaN}, "v.is_nan()")

    assert ErlangPython.eval!("Decimal('0.1') + Decimal('0.2')") == %Decimal{
             sign: 1,
             coef: 3,
             exp: -1
           }
  end

  test "sets and ranges" do
    assert_twins(MapSet.new([1, 2, 3, "four", {5}]), "v == {1, 2, 3, 'four', (5,)}")
    assert_twins(MapSet.new(), "v == set()")
    assert python(MapSet.new(1..1000), "len(v)") == 1000
    assert ErlangPython.eval!("frozenset([1, 2])") == MapSet.new([1, 2])
    assert MapSet.member?(ErlangPython.eval!("{n * n for n in range(5)}"), 16)

    for range <- [1..3, 1..10//3, 10..1//-2, 5..5, 1..0//1, -3..3//2] do
      assert_twins(
        range,
        "type(v) is range and list(v) == #{inspect(Enum.to_list(range), charlists: :as_lists, limit: :infinity)}"
      )
    end

    assert ErlangPython.eval!("range(3)") == 0..2
    assert ErlangPython.eval!("range(0)") == 0..-1//1
  end

  test "other structs are dicts of their fields, and come back" do
    user = %User{name: "Joe", age: nil}
    assert python(user, "v['name']") == "Joe"
    assert python(user, "v['age'] is None")
    assert python([user], "v") == [user]
    assert python(%{user | age: %{born: ~D[1990-01-02]}}, "v['age']['born'].year") == 1990
  end

  test "structs whose fields Python would take for their items are refused" do
    for value <- [
          Stream.map(1..3, & &1),
          File.stream!("mix.exs"),
          %Team{members: [1]},
          Date.range(~D[2024-01-01], ~D[2024-01-02])
        ] do
      name = value.__struct__ |> inspect()
      assert {:error, {:TypeError, text}} = ErlangPython.call(:builtins, :len, [[value]])
      assert text =~ "there is no Python value for the struct #{name}"
      assert text =~ "Enum.to_list/1"
    end
  end

  test "an adapter gives a struct another value, at any depth and both ways" do
    :ok = ErlangPython.adapt(Team, & &1.members)
    on_exit(fn -> :py_adapter.unregister(Team) end)
    team = %Team{members: [%User{name: "Joe"}, %Team{members: [1..2]}]}
    assert python(%{"k" => {team}}, "len(v['k'][0])") == 2
    assert python(team, "v[1][0]") == 1..2
    :ok = ErlangPython.register(:team, fn -> [team] end)
    assert ErlangPython.eval!("erlang.call('team')[0][0]['name']") == "Joe"
    assert :py_adapter.registered() == [Team]
  end

  test "an adapter that raises fails the call" do
    :ok = ErlangPython.adapt(Version, fn _version -> raise "no version" end)
    on_exit(fn -> :py_adapter.unregister(Version) end)
    assert_raise RuntimeError, "no version", fn -> python(Version.parse!("1.0.0"), "v") end
  end
end
