%% SPDX-License-Identifier: Apache-2.0
%% The application stops, starts and is loaded again while Python lives on. Threads and loops call
%% as before, and every call that waited at the stop was answered.
-module(stop_start_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_testcase(_Case, Config) ->
    start(),
    ok = py:exec(source()),
    Config.

end_per_testcase(_Case, _Config) ->
    ok = py:exec(<<"done.set(); again.set()">>),
    application:stop(erlang_python).

start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(double, fun([N]) -> N * 2 end),
    ok = py:register_function(never, fun([]) ->
        receive
            never -> ok
        end
    end).

source() ->
    <<"import asyncio, queue, threading\n"
      "outcomes = queue.SimpleQueue()\n"
      "again, done = threading.Event(), threading.Event()\n"
      "waiting = []\n"
      "\n"
      "def name_of(error):\n"
      "    return type(error).__name__\n"
      "\n"
      "def in_thread():\n"
      "    for number in range(1000):\n"
      "        outcomes.put(erlang.call('double', number))\n"
      "        try:\n"
      "            waiting.append('thread')\n"
      "            erlang.call('never')\n"
      "        except erlang.Error as error:\n"
      "            outcomes.put(name_of(error))\n"
      "        again.wait()\n"
      "        if done.is_set(): return\n"
      "\n"
      "async def in_loop():\n"
      "    for number in range(1000):\n"
      "        outcomes.put(await erlang.async_call('double', number))\n"
      "        waiting.append('loop')\n"
      "        ended = await asyncio.gather(\n"
      "            *(erlang.async_call('never') for _ in range(20)), return_exceptions=True)\n"
      "        outcomes.put(','.join(set(map(name_of, ended))))\n"
      "        await asyncio.to_thread(again.wait)\n"
      "        if done.is_set(): return\n"
      "\n"
      "def begin():\n"
      "    for target in [in_thread, in_thread, lambda: asyncio.run(in_loop())]:\n"
      "        threading.Thread(target=target, daemon=True).start()\n">>.

outcomes() ->
    {ok, Outcomes} = py:eval(<<"[outcomes.get(timeout=20) for _ in range(3)]">>),
    Outcomes.

threads_and_loops_live_through_ten_stops(_Config) ->
    {ok, _} = py:call('__main__', 'begin', []),
    lists:foreach(fun live_through_a_stop/1, lists:seq(0, 9)).

live_through_a_stop(Number) ->
    ?assertEqual([Number * 2], lists:usort(outcomes())),
    eventually:equal(22, fun() -> maps:get(in_flight, py:info()) end),
    ok = py:exec(<<"again.clear()">>),
    ok = application:stop(erlang_python),
    start(),
    ?assertEqual([<<"Disconnected">>], lists:usort(outcomes())),
    ok = py:exec(<<"again.set()">>).

contexts_take_their_names_with_them(_Config) ->
    {ok, Name} = py:eval(<<"threading.current_thread().name">>),
    ?assert(lists:member(Name, names())),
    ok = application:stop(erlang_python),
    start(),
    ?assertNot(lists:member(Name, names())).

%% The names of all threads that Python knows.
names() ->
    {ok, Names} = py:eval(<<"[thread.name for thread in threading.enumerate()]">>),
    Names.

the_native_library_is_loaded_anew_under_calls(_Config) ->
    Stop = make_ref(),
    Callers = [spawn_monitor(fun() -> call_until(Stop, 0) end) || _ <- lists:seq(1, 4)],
    lists:foreach(
        fun(_) ->
            {module, py_nif} = code:load_file(py_nif),
            _ = code:purge(py_nif),
            {ok, 42} = py:eval(<<"erlang.call('double', 21)">>)
        end,
        lists:seq(1, 20)
    ),
    lists:foreach(
        fun({Pid, Monitor}) ->
            Pid ! Stop,
            receive
                {'DOWN', Monitor, process, Pid, Reason} -> ?assertMatch({calls, _}, Reason)
            end
        end,
        Callers
    ).

%% Every call returns the right value.
call_until(Stop, Calls) ->
    receive
        Stop -> exit({calls, Calls})
    after 0 ->
        {ok, Double} = py:eval(<<"erlang.call('double', n)">>, #{n => Calls}),
        Double = Calls * 2,
        call_until(Stop, Calls + 1)
    end.

a_deleted_module_comes_back(_Config) ->
    ok = application:stop(erlang_python),
    true = code:delete(py_nif),
    _ = code:purge(py_nif),
    start(),
    ?assertEqual({ok, 42}, py:eval(<<"erlang.call('double', 21)">>)).

%% init:restart/0 unloads all code. Python and its state stay.
a_node_restarts_within_itself(_Config) ->
    Support = filename:dirname(code:which(restarting_node)),
    ?assertEqual(
        {7, <<"0 calls\n1 calls\n2 calls\n">>},
        os_node:run(["-pa", Support, "-eval", "restarting_node:run(2)"])
    ).
