%% SPDX-License-Identifier: Apache-2.0
%% Python calls Erlang: how a registered function can end, and where it runs.
-module(callback_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

init_per_testcase(_Case, Config) ->
    ok = py:register_function(echo, fun([X]) -> X end),
    ok = python_side:register_hang(),
    Config.

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()).

source() ->
    <<"import asyncio, threading\n"
      "\n"
      "def failure(name, *args):\n"
      "    try:\n"
      "        return ('value', erlang.call(name, *args))\n"
      "    except erlang.Error as e:\n"
      "        notes = list(getattr(e, '__notes__', []))\n"
      "        return (type(e).__name__, e.kind, e.reason, str(e), notes)\n"
      "\n"
      "async def async_failure(name, *args):\n"
      "    try:\n"
      "        return ('value', await erlang.async_call(name, *args))\n"
      "    except erlang.Error as e:\n"
      "        return (type(e).__name__, e.kind, e.reason)\n"
      "\n"
      "def run_failures(calls):\n"
      "    async def main():\n"
      "        return await asyncio.gather(*[async_failure(*call) for call in calls])\n"
      "    return asyncio.run(main())\n"
      "\n"
      "def cancelled_after_go(name, count):\n"
      "    async def main():\n"
      "        calls = [erlang.async_call(name) for _ in range(count)]\n"
      "        await erlang.async_call('go')\n"
      "        for call in calls: call.cancel()\n"
      "        done = await asyncio.gather(*calls, return_exceptions=True)\n"
      "        await erlang.async_call('cancelled')\n"
      "        return [type(e).__name__ for e in done]\n"
      "    return asyncio.run(main())\n"
      "\n"
      "def timed_out(name, seconds):\n"
      "    try:\n"
      "        return erlang.call(name, timeout=seconds)\n"
      "    except erlang.Timeout:\n"
      "        return 'timeout'\n"
      "\n"
      "def in_threads(count, name):\n"
      "    values = []\n"
      "    for i in range(count):\n"
      "        t = threading.Thread(target=lambda: values.append(erlang.call(name, i)))\n"
      "        t.start()\n"
      "        t.join()\n"
      "    return values\n">>.

a_failure_names_kind_reason_and_stack(_Config) ->
    ok = py:register_function(fails, fun([Kind, Reason]) ->
        erlang:(binary_to_existing_atom(Kind))(Reason)
    end),
    [
        ?assertMatch({ok, {<<"Error">>, Kind, {bad, 1}, _, _}}, failure(fails, [Kind, {bad, 1}]))
     || Kind <- [<<"error">>, <<"exit">>, <<"throw">>]
    ],
    ok = py:register_function(divides, fun([A, B]) -> A div B end),
    {ok, {<<"Error">>, <<"error">>, badarith, Text, [Note]}} = failure(divides, [1, 0]),
    ?assertEqual(<<"divides: error: badarith">>, Text),
    ?assertNotEqual(nomatch, binary:match(Note, <<"callback_SUITE">>)),
    ?assertNotEqual(nomatch, binary:match(Note, <<"callback_SUITE.erl:">>)),
    ?assertEqual(nomatch, binary:match(Note, <<"py_function_call">>)).

a_failure_of_any_size_is_told_shortly(_Config) ->
    Big = lists:seq(1, 200000),
    ok = py:register_function(fails_big, fun([]) -> error(Big) end),
    ok = py:register_function(no_clause, fun([nothing, _]) -> ok end),
    {ok, {<<"Error">>, <<"error">>, Reason, Text, _}} = failure(fails_big, []),
    ?assertEqual(Big, Reason),
    ?assert(byte_size(Text) < 3000),
    {ok, {<<"Error">>, <<"error">>, function_clause, _, [Note]}} = failure(no_clause, [1, Big]),
    ?assert(byte_size(Note) < 5000).

an_unknown_function_makes_no_atom(_Config) ->
    %% Loads what the calls need.
    {ok, [_]} = py:call('__main__', run_failures, [[{<<"unknown_0">>}]]),
    Before = erlang:system_info(atom_count),
    Names = [<<"unknown_", (integer_to_binary(N))/binary>> || N <- lists:seq(1, 2000)],
    {ok, Failures} = py:call('__main__', run_failures, [[{Name} || Name <- Names]]),
    ?assertEqual(
        [{<<"UndefinedFunction">>, <<"error">>, Name} || Name <- Names], Failures
    ),
    ?assertEqual(Before, erlang:system_info(atom_count)).

a_function_that_kills_its_process_ends_the_call(_Config) ->
    ok = py:register_function(suicide, fun(_) -> exit(self(), kill) end),
    ?assertMatch({ok, {<<"Disconnected">>, _, _, _, _}}, failure(suicide, [])),
    ?assertEqual({ok, 1}, py:eval(<<"erlang.call('echo', 1)">>)),
    ?assertEqual({ok, [{<<"Disconnected">>, <<"exit">>, killed}]}, failures([{suicide}])).

a_function_that_exits_normally_by_signal_ends_the_call(_Config) ->
    ok = py:register_function(leaves, fun(_) ->
        exit(self(), normal),
        receive
        after 100 -> stayed
        end
    end),
    ?assertEqual({ok, [{<<"Disconnected">>, <<"exit">>, normal}]}, failures([{leaves}])),
    ?assertMatch({ok, {<<"Disconnected">>, _, _, _, _}}, failure(leaves, [])).

a_dead_worker_ends_its_own_call_only(_Config) ->
    ok = py:register_function(dies, fun([N]) ->
        case N rem 3 of
            0 -> exit(self(), kill);
            1 -> spawn_link(fun() -> exit(crashed) end), receive never -> ok end;
            2 -> N
        end
    end),
    {ok, Ends} = failures([{dies, N} || N <- lists:seq(0, 299)]),
    ?assertEqual(
        lists:append([
            [
                {<<"Disconnected">>, <<"exit">>, killed},
                {<<"Disconnected">>, <<"exit">>, crashed},
                {<<"value">>, N}
            ]
         || N <- lists:seq(2, 299, 3)
        ]),
        Ends
    ).

async_calls_run_side_by_side(_Config) ->
    %% Each call waits for all the others.
    Meeting = spawn_link(fun() -> meet(200, []) end),
    ok = py:register_function(meets, fun([N]) ->
        Meeting ! {here, self()},
        receive
            all_here -> N
        end
    end),
    ?assertEqual(
        {ok, [{<<"value">>, N} || N <- lists:seq(1, 200)]},
        failures([{meets, N} || N <- lists:seq(1, 200)])
    ).

meet(0, Here) ->
    [Pid ! all_here || Pid <- Here];
meet(Left, Here) ->
    receive
        {here, Pid} -> meet(Left - 1, [Pid | Here])
    end.

cancelling_stops_the_worker(_Config) ->
    Test = self(),
    Count = 50,
    Caller = spawn_monitor(fun() ->
        exit(py:call('__main__', cancelled_after_go, [hang, Count]))
    end),
    ok = py:register_function(go, fun(_) ->
        receive
        after 0 -> Test ! {go, self()}
        end,
        receive
            go -> ok
        end
    end),
    ok = py:register_function(cancelled, fun(_) ->
        Test ! {cancelled, erlang:monotonic_time(millisecond)},
        ok
    end),
    Workers = [
        receive
            {hanging, Pid} -> {Pid, monitor(process, Pid)}
        end
     || _ <- lists:seq(1, Count)
    ],
    receive
        {go, Go} -> Go ! go
    end,
    [
        receive
            {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(shutdown, Reason)
        end
     || {Pid, Monitor} <- Workers
    ],
    {Pid, Monitor} = Caller,
    receive
        {'DOWN', Monitor, process, Pid, Result} ->
            ?assertEqual({ok, lists:duplicate(Count, <<"CancelledError">>)}, Result)
    end.

a_worker_that_traps_exits_is_killed_after_a_grace(_Config) ->
    Test = self(),
    ok = py:register_function(stubborn, fun(_) ->
        process_flag(trap_exit, true),
        Test ! {stubborn, self()},
        stubborn()
    end),
    ok = py:register_function(go, fun(_) ->
        %% Continue only after the other process traps exits.
        Test ! {go, self()},
        receive
            go -> ok
        end
    end),
    ok = py:register_function(cancelled, fun(_) -> ok end),
    Caller = spawn_monitor(fun() ->
        exit(py:call('__main__', cancelled_after_go, [stubborn, 1]))
    end),
    {Stubborn, Watch} =
        receive
            {stubborn, Worker} -> {Worker, monitor(process, Worker)}
        end,
    receive
        {go, Go} -> Go ! go
    end,
    receive
        {'DOWN', Watch, process, Stubborn, Reason} -> ?assertEqual(killed, Reason)
    end,
    {Pid, Monitor} = Caller,
    receive
        {'DOWN', Monitor, process, Pid, Result} ->
            ?assertEqual({ok, [<<"CancelledError">>]}, Result)
    end.

stubborn() ->
    receive
        {'EXIT', _, shutdown} -> stubborn()
    end.

a_timeout_stops_the_function(_Config) ->
    ?assertEqual({ok, <<"timeout">>}, py:call('__main__', timed_out, [hang, 0.05])),
    receive
        {hanging, Pid} -> ?assert(lists:member(death:wait(Pid), [shutdown, noproc]))
    end,
    ?assertEqual({ok, 1}, py:eval(<<"erlang.call('echo', 1)">>)).

a_function_may_change_its_process_and_the_next_call_works(_Config) ->
    ok = py:register_function(changes, fun(_) ->
        process_flag(trap_exit, false),
        erase(),
        process_flag(trap_exit, true),
        self() ! some_message,
        spawn_link(fun() -> receive after 5 -> exit(boom) end end),
        process_info(self(), messages)
    end),
    ok = py:register_function(trapping, fun(_) -> process_info(self(), trap_exit) end),
    %% All calls run on one thread, hence in one handler; none of them ends the handler.
    ?assertEqual(
        {ok, [{trap_exit, false}]},
        py:eval(<<"[erlang.call('changes') and erlang.call('trapping') for _ in range(50)][-1:]">>)
    ).

a_crash_linked_to_the_function_ends_the_call(_Config) ->
    ok = py:register_function(waits_for_its_own, fun(_) ->
        Own = spawn_link(fun() -> exit(boom) end),
        receive
            {Own, Value} -> Value
        end
    end),
    ?assertMatch({ok, {<<"Disconnected">>, _, _, _, _}}, failure(waits_for_its_own, [])),
    ?assertEqual({ok, [{<<"Disconnected">>, <<"exit">>, boom}]}, failures([{waits_for_its_own}])),
    ?assertEqual({ok, 1}, py:eval(<<"erlang.call('echo', 1)">>)).

a_thread_keeps_its_handler(_Config) ->
    ok = py:register_function(who, fun(_) -> self() end),
    {ok, Pids} = py:eval(<<"[erlang.call('who') for _ in range(20)]">>),
    ?assertMatch([_], lists:usort(Pids)).

handlers_of_ended_threads_are_not_piled_up(_Config) ->
    {ok, _} = py:call('__main__', in_threads, [100, echo]),
    Before = py_handler_sup:count(),
    ?assertEqual({ok, lists:seq(0, 299)}, py:call('__main__', in_threads, [300, echo])),
    ?assert(py_handler_sup:count() =< Before + 5).

workers_do_not_outlive_their_handler(_Config) ->
    Caller = spawn_monitor(fun() -> exit(failures([{hang}, {hang}])) end),
    Workers = [
        receive
            {hanging, Pid} -> Pid
        end
     || _ <- [1, 2]
    ],
    {links, [Handler]} = process_info(hd(Workers), links),
    death:kill(Handler),
    [?assert(lists:member(death:wait(Pid), [killed, noproc])) || Pid <- Workers],
    {Pid, Monitor} = Caller,
    receive
        {'DOWN', Monitor, process, Pid, {ok, Ends}} ->
            ?assertMatch([{<<"Disconnected">>, _, _}, {<<"Disconnected">>, _, _}], Ends)
    end.

a_handler_shows_its_state(_Config) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit(failures([{hang}])) end),
    Worker =
        receive
            {hanging, Hanging} -> Hanging
        end,
    {links, [Handler]} = process_info(Worker, links),
    ?assertMatch({_Channel, busy, [Worker]}, sys:get_state(Handler)),
    ok = sys:suspend(Handler),
    ok = sys:resume(Handler),
    exit(Worker, kill),
    receive
        {'DOWN', Monitor, process, Pid, Ends} ->
            ?assertEqual({ok, [{<<"Disconnected">>, <<"exit">>, killed}]}, Ends)
    end.

a_value_that_python_can_not_hold_is_a_type_error(_Config) ->
    ok = py:register_function(bits, fun(_) -> #{k => [<<1:3>>]} end),
    {error, {'TypeError', Text}} = py:eval(<<"erlang.call('bits')">>),
    ?assertNotEqual(nomatch, binary:match(Text, <<"result['k'][0]">>)).

failure(Name, Args) ->
    py:call('__main__', failure, [Name | Args]).

failures(Calls) ->
    py:call('__main__', run_failures, [Calls]).
