%% SPDX-License-Identifier: Apache-2.0
%% `erlang.map': what its processes do when something ends, and how its items meet limits. How a map
%% looks to Python is in tests/python/test_map.py.
-module(map_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    both_loops:all().

groups() ->
    both_loops:groups(cases:of_suite(?MODULE)).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

init_per_group(Kind, Config) ->
    ok = py:exec(<<"kind = '", (atom_to_binary(Kind))/binary, "'">>),
    Config.

end_per_group(_Kind, _Config) ->
    ok.

init_per_testcase(_Case, Config) ->
    ok = python_side:register_hang(),
    ok = register_trap(),
    Config.

end_per_testcase(_Case, _Config) ->
    %% One case stops the application.
    {ok, _} = application:ensure_all_started(erlang_python),
    lists:foreach(fun py:unregister_function/1, py:registered()).

source() ->
    <<"import asyncio, uvloop\n"
      "\n"
      "def in_loop(coroutine):\n"
      "    factory = {'asyncio': asyncio.new_event_loop, 'uvloop': uvloop.new_event_loop}[kind]\n"
      "    with asyncio.Runner(loop_factory=factory) as runner:\n"
      "        return runner.run(coroutine)\n"
      "\n"
      "def mapped(name, items, **options):\n"
      "    async def main():\n"
      "        try:\n"
      "            return await erlang.map(name, items, **options)\n"
      "        except erlang.Error as e:\n"
      "            return (type(e).__name__, e.reason, list(getattr(e, '__notes__', [])))\n"
      "    return in_loop(main())\n"
      "\n"
      "def cancelled_when_told(name, items):\n"
      "    async def main():\n"
      "        call = erlang.map(name, items)\n"
      "        await erlang.async_call('go')\n"
      "        call.cancel()\n"
      "        await erlang.async_call('cancelled')\n"
      "    return in_loop(main())\n">>.

%% From now on, an item of the function `trap' traps exits, tells the test, and never returns.
register_trap() ->
    Test = self(),
    py:register_function(trap, fun(_) ->
        process_flag(trap_exit, true),
        Test ! {hanging, self()},
        receive
            never -> ok
        end
    end).

a_killed_map_takes_its_items_along(_Config) ->
    {Items, Map} = running(hang, 3),
    Ends = watch(Items),
    exit(Map, kill),
    ?assertMatch({<<"Disconnected">>, killed, []}, answer()),
    ?assertEqual([killed, killed, killed], reasons(Ends)).

a_killed_map_takes_items_along_that_trap_exits(_Config) ->
    {Items, Map} = running(trap, 3),
    Ends = watch(Items),
    exit(Map, kill),
    ?assertMatch({<<"Disconnected">>, killed, []}, answer()),
    ?assertEqual([killed, killed, killed], reasons(Ends)).

a_killed_handler_takes_maps_and_items_along(_Config) ->
    {Items, Map} = running(trap, 2),
    Ends = watch([Map | Items]),
    exit(parent(Map), kill),
    ?assertMatch({<<"Disconnected">>, _, []}, answer()),
    ?assertMatch([_, killed, killed], reasons(Ends)).

an_item_that_is_killed_stops_the_others(_Config) ->
    {[_, Second, _] = Items, Map} = running(hang, 3),
    Ends = watch(Items ++ [Map]),
    exit(Second, kill),
    {<<"Disconnected">>, killed, [Note]} = answer(),
    ?assertNotEqual(nomatch, binary:match(Note, <<"item 1 ">>)),
    ?assertEqual([shutdown, killed, shutdown, shutdown], reasons(Ends)).

a_failure_is_told_at_once_and_items_that_trap_exits_are_killed(_Config) ->
    Test = self(),
    ok = py:register_function(trap_or_fail, fun
        ([trap]) ->
            process_flag(trap_exit, true),
            Test ! {hanging, self()},
            receive
                never -> ok
            end;
        ([fail]) ->
            Test ! {failing, self()},
            receive
                fail -> error(told)
            end
    end),
    map_in_background(trap_or_fail, [trap, fail]),
    Ends = watch([python_side:hanging()]),
    Failing = receive {failing, Pid} -> Pid after 10000 -> error(nothing_fails) end,
    Failing ! fail,
    ?assertMatch({<<"Error">>, told, [_, _]}, answer()),
    ?assertEqual([killed], reasons(Ends)).

stopping_the_application_stops_all_items(_Config) ->
    {Items, Map} = running(hang, 3),
    {Trapping, OtherMap} = running(trap, 1),
    Ends = watch(Items ++ Trapping ++ [Map, OtherMap]),
    ok = application:stop(erlang_python),
    %% None has outlived the application.
    ?assertEqual([], [Pid || Pid <- Items ++ Trapping ++ [Map, OtherMap], is_process_alive(Pid)]),
    ?assertEqual([shutdown, shutdown, shutdown, killed, shutdown, shutdown], reasons(Ends)).

cancelling_stops_items_that_run_and_items_in_line(_Config) ->
    Test = self(),
    ok = py:register_function(
        one_at_a_time,
        fun(_) ->
            Test ! {hanging, self()},
            receive
                never -> ok
            end
        end,
        #{concurrency => 1, overload => wait}
    ),
    ok = py:register_function(go, fun(_) ->
        Test ! {waits, self()},
        receive
            go -> ok
        end
    end),
    ok = py:register_function(cancelled, fun(_) -> ok end),
    Caller = spawn_link(fun() ->
        {ok, none} = py:call('__main__', cancelled_when_told, [one_at_a_time, [1, 2, 3]]),
        Test ! {self(), done}
    end),
    Running = python_side:hanging(),
    Items = items(parent(Running)),
    Ends = watch(Items),
    eventually:equal(#{<<"one_at_a_time">> => #{running => 1, waiting => 2}}, fun() ->
        py_function_limiter:info()
    end),
    receive {waits, Go} -> Go ! go after 10000 -> error(nothing_waits) end,
    receive {Caller, done} -> ok after 10000 -> error(not_done) end,
    ?assertEqual([shutdown, shutdown, shutdown], reasons(Ends)),
    eventually:equal(#{}, fun() -> py_function_limiter:info() end).

the_function_is_looked_up_once(_Config) ->
    Test = self(),
    ok = py:register_function(version, fun
        ([0]) ->
            ok = py:register_function(version, fun(_) -> second end),
            Test ! registered_again,
            first;
        ([_]) ->
            first
    end),
    ?assertEqual({ok, [first, first, first]}, mapped(version, [0, 1, 2], #{concurrency => 1})),
    receive registered_again -> ok end,
    ?assertEqual({ok, [second]}, mapped(version, [3], #{})).

an_item_is_nested_in_the_call_around_the_map(_Config) ->
    ok = py:register_function(
        level,
        fun
            ([0]) ->
                0;
            ([Depth]) ->
                {ok, Values} = mapped(level, [Depth - 1, Depth - 1], #{}),
                1 + lists:sum(Values)
        end,
        #{concurrency => 1}
    ),
    %% Each level would wait for a place, or be refused, if its map did not count as nested.
    ?assertEqual({ok, [7]}, mapped(level, [3], #{})).

random_maps_keep_the_functions_limit(_Config) ->
    Running = counters:new(1, []),
    Most = atomics:new(1, []),
    ok = py:register_function(
        counted,
        fun([Value]) ->
            counters:add(Running, 1, 1),
            highest(Most, counters:get(Running, 1)),
            receive
            after Value rem 3 -> counters:sub(Running, 1, 1)
            end,
            Value
        end,
        #{concurrency => 3, overload => wait}
    ),
    Lists = in_processes:values(6, fun(N) ->
        Items = lists:seq(N, N + 30),
        {Items, mapped(counted, Items, #{concurrency => N})}
    end),
    [?assertEqual({ok, Items}, Values) || {Items, Values} <- Lists],
    ?assert(atomics:get(Most, 1) =< 3).

results_may_be_large(_Config) ->
    ok = py:register_function(blob, fun([Size]) -> {bytes, binary:copy(<<1>>, Size)} end),
    Sizes = [100000 * N || N <- lists:seq(1, 20)],
    {ok, Blobs} = mapped(blob, Sizes, #{}),
    ?assertEqual(Sizes, [byte_size(Blob) || Blob <- Blobs]).

%% Helpers.

mapped(Name, Items, Options) ->
    py:call('__main__', mapped, [Name, Items], Options).

map_in_background(Name, Items) ->
    Test = self(),
    spawn_link(fun() -> Test ! {answer, mapped(Name, Items, #{})} end).

answer() ->
    receive
        {answer, {ok, Answer}} -> Answer
    after 10000 -> error(no_answer)
    end.

%% The processes of a map's items in their order, and the process of the map.
running(Name, Count) ->
    map_in_background(Name, lists:seq(1, Count)),
    Items = [python_side:hanging() || _ <- lists:seq(1, Count)],
    {lists:sort(Items), parent(hd(Items))}.

items(Map) ->
    {links, Links} = process_info(Map, links),
    Links -- [parent(Map)].

parent(Pid) ->
    {parent, Parent} = process_info(Pid, parent),
    Parent.

watch(Pids) ->
    [{Pid, monitor(process, Pid)} || Pid <- Pids].

reasons(Watched) ->
    [
        receive
            {'DOWN', Monitor, process, Pid, Reason} -> Reason
        after 10000 -> error({still_alive, Pid})
        end
     || {Pid, Monitor} <- Watched
    ].

highest(Atomic, Value) ->
    Now = atomics:get(Atomic, 1),
    Value =< Now orelse
        atomics:compare_exchange(Atomic, 1, Now, Value) =:= ok orelse
        highest(Atomic, Value).
