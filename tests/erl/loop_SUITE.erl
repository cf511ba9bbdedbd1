%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops: py_loop with and without a main coroutine, on asyncio and on uvloop.
-module(loop_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%% Cases that choose their loops themselves, or need none.
-define(ONCE, [
    names_of_all_kinds,
    a_loop_that_is_not_there,
    a_supervisor_restarts_a_crashed_loop,
    a_supervisor_stops_a_loop_gracefully,
    several_loops_at_once,
    a_start_that_fails_says_why
]).

all() ->
    both_loops:all() ++ ?ONCE.

groups() ->
    both_loops:groups(cases:of_suite(?MODULE) -- ?ONCE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

init_per_testcase(_Case, Config) ->
    process_flag(trap_exit, true),
    ok = python_side:register_tell(),
    Config.

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()).

source() ->
    <<"import asyncio, time\n"
      "\n"
      "async def add(a, b, *, delay=0):\n"
      "    await asyncio.sleep(delay)\n"
      "    return a + b\n"
      "\n"
      "async def kind():\n"
      "    return type(asyncio.get_running_loop()).__module__\n"
      "\n"
      "async def fail(text):\n"
      "    raise ValueError(text)\n"
      "\n"
      "async def tell_end(name):\n"
      "    try:\n"
      "        await erlang.async_call('tell', (name, 'started'))\n"
      "        await asyncio.sleep(3600)\n"
      "    except asyncio.CancelledError:\n"
      "        await erlang.async_call('tell', (name, 'cancelled'))\n"
      "        raise\n"
      "\n"
      "async def leaves_work_behind(name):\n"
      "    import time\n"
      "    asyncio.get_running_loop().run_in_executor(None, time.sleep, 1)\n"
      "    await tell_end(name)\n"
      "\n"
      "async def returns(value):\n"
      "    return value\n"
      "\n"
      "async def refuses_to_stop():\n"
      "    await erlang.async_call('tell', ('refusing', 'started'))\n"
      "    while True:\n"
      "        try:\n"
      "            await asyncio.sleep(3600)\n"
      "        except asyncio.CancelledError:\n"
      "            pass\n"
      "\n"
      "barrier = {}\n"
      "async def meet(count):\n"
      "    loop = asyncio.get_running_loop()\n"
      "    here = barrier.setdefault(loop, [])\n"
      "    future = loop.create_future()\n"
      "    here.append(future)\n"
      "    if len(here) == count:\n"
      "        for f in here: f.set_result(None)\n"
      "        del barrier[loop]\n"
      "    await future\n"
      "    return count\n"
      "\n"
      "async def there_and_back(n):\n"
      "    return await erlang.async_call('there', n)\n">>.

start(CaseConfig) ->
    start(CaseConfig, #{}).

start(Config, Options) ->
    {ok, Loop} = py_loop:start_link(Options#{loop => both_loops:kind(Config)}),
    Loop.

call(Loop, Function, Args) ->
    py_loop:call(Loop, '__main__', Function, Args).

a_coroutine_runs_on_the_loop(Config) ->
    Loop = start(Config),
    ?assertEqual({ok, 3}, call(Loop, add, [1, 2])),
    ?assertEqual({ok, 3}, py_loop:call(Loop, <<"__main__">>, "add", [1, 2], #{delay => 0.01})),
    ?assertEqual({ok, done}, py_loop:call(Loop, asyncio, sleep, [0.01, done], #{}, 5000)),
    ok = py_loop:stop(Loop).

the_loop_is_of_the_kind_asked_for(Config) ->
    Loop = start(Config),
    {ok, Module} = call(Loop, kind, []),
    Kind = atom_to_binary(both_loops:kind(Config)),
    ?assertMatch({0, _}, binary:match(Module, Kind)),
    ok = py_loop:stop(Loop).

an_exception_is_the_callers(Config) ->
    Loop = start(Config),
    ?assertEqual({error, {'ValueError', <<"no">>}}, call(Loop, fail, [<<"no">>])),
    ?assertEqual({ok, 3}, call(Loop, add, [1, 2])),
    ok = py_loop:stop(Loop).

a_plain_function_is_called_in_the_loop(Config) ->
    Loop = start(Config),
    ?assertEqual({ok, 3}, py_loop:call(Loop, operator, add, [1, 2])),
    ?assertEqual({ok, [3]}, py_loop:call(Loop, "builtins", <<"list">>, [[3]])),
    ?assertMatch({error, {'ZeroDivisionError', _}}, py_loop:call(Loop, operator, truediv, [1, 0])),
    ok = py_loop:stop(Loop).

what_can_not_be_called_is_an_error(Config) ->
    Loop = start(Config),
    ?assertMatch({error, {'AttributeError', _}}, call(Loop, no_such_function, [])),
    ?assertMatch({error, {'ModuleNotFoundError', _}}, py_loop:call(Loop, no_such_module, f, [])),
    ?assertMatch({error, {'TypeError', _}}, call(Loop, returns, [[1 | 2]])),
    ?assertEqual({ok, 3}, call(Loop, add, [1, 2])),
    ok = py_loop:stop(Loop).

coroutines_run_side_by_side(Config) ->
    Loop = start(Config),
    ?assertEqual(
        lists:duplicate(100, {ok, 100}),
        in_processes:values(100, fun(_) -> call(Loop, meet, [100]) end)
    ),
    ok = py_loop:stop(Loop).

a_timeout_cancels_the_coroutine(Config) ->
    Loop = start(Config),
    ?assertEqual(
        {error, timeout}, py_loop:call(Loop, '__main__', tell_end, [<<"a">>], #{}, 100)
    ),
    %% On a busy machine the coroutine may be cancelled while it still reports its start.
    ?assertEqual({<<"a">>, <<"cancelled">>}, told_end()),
    ok = py_loop:stop(Loop).

told_end() ->
    case python_side:told() of
        {_, <<"started">>} -> told_end();
        End -> End
    end.

a_dead_callers_coroutine_is_cancelled(Config) ->
    Loop = start(Config),
    Caller = spawn(fun() -> call(Loop, tell_end, [<<"b">>]) end),
    ?assertEqual({<<"b">>, <<"started">>}, python_side:told()),
    death:kill(Caller),
    ?assertEqual({<<"b">>, <<"cancelled">>}, python_side:told()),
    ok = py_loop:stop(Loop).

a_coroutine_may_call_erlang_and_back(Config) ->
    Loop = start(Config),
    ok = py:register_function(there, fun
        ([0]) ->
            0;
        ([N]) ->
            {ok, Value} = call(Loop, there_and_back, [N - 1]),
            Value + 1
    end),
    ?assertEqual({ok, 30}, call(Loop, there_and_back, [30])),
    ok = py_loop:stop(Loop).

the_process_ends_with_its_main_coroutine(Config) ->
    Loop = start(Config, #{main => {'__main__', returns, [1], #{}}}),
    receive
        {'EXIT', Loop, Reason} -> ?assertEqual(normal, Reason)
    end.

a_crash_of_main_is_the_reason(Config) ->
    Loop = start(Config, #{main => {'__main__', fail, [<<"broken">>], #{}}}),
    receive
        {'EXIT', Loop, Reason} ->
            ?assertEqual({main_failed, {'ValueError', <<"broken">>}}, Reason)
    end.

stopping_cancels_main_gracefully(Config) ->
    Loop = start(Config, #{main => {'__main__', tell_end, [<<"main">>], #{}}}),
    ?assertEqual({<<"main">>, <<"started">>}, python_side:told()),
    ok = py_loop:stop(Loop),
    ?assertEqual({<<"main">>, <<"cancelled">>}, python_side:told()),
    ?assertNot(is_process_alive(Loop)).

stopping_without_main_ends_the_loop(Config) ->
    Loop = start(Config),
    ok = py_loop:stop(Loop, 5000),
    ?assertNot(is_process_alive(Loop)),
    ?assertEqual({error, not_running}, call(Loop, add, [1, 2])),
    ?assertEqual({error, not_running}, py_loop:stop(Loop)).

a_loop_that_does_not_stop_is_interrupted(Config) ->
    Loops = loops(),
    Loop = start(Config, #{main => {'__main__', refuses_to_stop, [], #{}}, stop_timeout => 50}),
    ?assertEqual({<<"refusing">>, <<"started">>}, python_side:told()),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    ?assertNot(is_process_alive(Loop)),
    eventually:equal(Loops, fun loops/0).

calls_under_way_end_when_the_loop_stops(Config) ->
    Loop = start(Config),
    {Pid, Monitor} = spawn_monitor(fun() -> exit(call(Loop, tell_end, [<<"c">>])) end),
    ?assertEqual({<<"c">>, <<"started">>}, python_side:told()),
    ok = py_loop:stop(Loop),
    receive
        {'DOWN', Monitor, process, Pid, Result} -> ?assertEqual({error, disconnected}, Result)
    after 5000 ->
        error(still_waiting)
    end.

calls_that_refuse_to_end_are_answered_when_the_loop_stops(Config) ->
    Loops = loops(),
    Loop = start(Config, #{stop_timeout => 50}),
    Caller = waiting_call(Loop, refuses_to_stop, []),
    ?assertEqual({<<"refusing">>, <<"started">>}, python_side:told()),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    ?assertEqual({error, disconnected}, result(Caller)),
    eventually:equal(Loops, fun loops/0).

%% The loop's executor works for one more second when the loop is told to stop.
calls_made_while_a_loop_stops_are_answered(Config) ->
    Loops = loops(),
    Loop = start(Config, #{main => {'__main__', leaves_work_behind, [<<"e">>], #{}}}),
    ?assertEqual({<<"e">>, <<"started">>}, python_side:told()),
    Stopping = spawn_monitor(fun() -> exit(py_loop:stop(Loop)) end),
    ?assertEqual({<<"e">>, <<"cancelled">>}, python_side:told()),
    Caller = waiting_call(Loop, tell_end, [<<"f">>]),
    ?assertEqual(ok, result(Stopping)),
    ?assertEqual({error, disconnected}, result(Caller)),
    eventually:equal(Loops, fun loops/0).

waiting_call(Loop, Function, Args) ->
    spawn_monitor(fun() ->
        exit(py_loop:call(Loop, '__main__', Function, Args, #{}, infinity))
    end).

result(Caller) ->
    death:reason(Caller, 10000).

a_killed_loop_process_takes_its_thread_along(Config) ->
    Loops = loops(),
    Loop = start(Config, #{main => {'__main__', tell_end, [<<"d">>], #{}}}),
    ?assertEqual({<<"d">>, <<"started">>}, python_side:told()),
    death:kill(Loop),
    ?assertEqual({error, not_running}, call(Loop, add, [1, 2])),
    eventually:equal(Loops, fun loops/0).

names_of_all_kinds(_Config) ->
    {ok, Local} = py_loop:start_link(#{name => a_local_loop}),
    {ok, Global} = py_loop:start_link(#{name => {global, {a, loop}}}),
    {ok, Via} = py_loop:start_link(#{name => {via, global, via_loop}}),
    Names = [a_local_loop, {global, {a, loop}}, {via, global, via_loop}, Local, Global, Via],
    [?assertEqual({ok, 3}, call(Name, add, [1, 2])) || Name <- Names],
    ?assertEqual({error, {already_started, Local}}, py_loop:start_link(#{name => a_local_loop})),
    [ok = py_loop:stop(Name) || Name <- lists:sublist(Names, 3)].

a_loop_that_is_not_there(_Config) ->
    Nobody = [no_such_loop, {global, no_such_loop}, {via, global, no_such_loop}, self()],
    [?assertEqual({error, not_running}, call(Name, add, [1, 2])) || Name <- Nobody],
    ?assertEqual({error, not_running}, py_loop:stop(no_such_loop)).

a_supervisor_restarts_a_crashed_loop(_Config) ->
    Loops = loops(),
    Main = {'__main__', tell_end, [<<"s">>], #{}},
    Supervisor = supervise(#{name => supervised, main => Main}),
    ?assertEqual({<<"s">>, <<"started">>}, python_side:told()),
    death:kill(supervised),
    %% The coroutine of the killed loop was interrupted; the coroutine of the new loop runs.
    ?assertEqual({<<"s">>, <<"started">>}, told_first_start()),
    ?assertEqual({ok, 3}, call(supervised, add, [1, 2])),
    gen_server:stop(Supervisor),
    %% The next test must not receive the report of the killed loop's coroutine.
    eventually:equal(Loops, fun loops/0).

told_first_start() ->
    case python_side:told() of
        {_, <<"started">>} = Started -> Started;
        _ -> told_first_start()
    end.

a_supervisor_stops_a_loop_gracefully(_Config) ->
    Main = {'__main__', tell_end, [<<"g">>], #{}},
    Supervisor = supervise(#{name => supervised, main => Main}),
    ?assertEqual({<<"g">>, <<"started">>}, python_side:told()),
    gen_server:stop(Supervisor),
    ?assertEqual({<<"g">>, <<"cancelled">>}, python_side:told()),
    ?assertEqual(undefined, whereis(supervised)).

supervise(Options) ->
    {ok, Supervisor} = own_supervisor:start_link([py_loop:child_spec(Options)]),
    Supervisor.

several_loops_at_once(_Config) ->
    Loops = [
        begin
            {ok, Loop} = py_loop:start_link(#{}),
            Loop
        end
     || _ <- lists:seq(1, 8)
    ],
    Values = in_processes:values(400, fun(N) ->
        call(lists:nth(N rem 8 + 1, Loops), add, [N, N])
    end),
    ?assertEqual([{ok, 2 * N} || N <- lists:seq(1, 400)], Values),
    [ok = py_loop:stop(Loop) || Loop <- Loops].

a_start_that_fails_says_why(_Config) ->
    ok = py:exec(<<"import sys; hidden_uvloop = sys.modules.pop('uvloop', None)">>),
    ok = py:exec(<<"sys.modules['uvloop'] = None">>),
    try
        ?assertMatch(
            {error, {Name, _}} when Name =:= 'ImportError'; Name =:= 'ModuleNotFoundError',
            py_loop:start_link(#{loop => uvloop})
        ),
        {ok, Loop} = py_loop:start_link(#{loop => auto}),
        {ok, Module} = call(Loop, kind, []),
        ?assertMatch({0, _}, binary:match(Module, <<"asyncio">>)),
        ok = py_loop:stop(Loop)
    after
        ok = py:exec(<<"del sys.modules['uvloop']">>),
        ok = py:exec(<<"if hidden_uvloop: sys.modules['uvloop'] = hidden_uvloop">>)
    end.

%% A task that was destroyed while pending holds its loop until the task is collected.
loops() ->
    {ok, _} = py:call(gc, collect, []),
    maps:get(loops, py:info()).
