%% SPDX-License-Identifier: Apache-2.0
%% Requests whose results are awaited later or never: call_async, cast, and coroutines on the
%% default loop.
-module(async_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

init_per_testcase(_Case, Config) ->
    Test = self(),
    ok = python_side:register_tell(),
    ok = py:register_function(hold, fun([Name]) ->
        Test ! {holding, Name, self()},
        receive
            let_go -> Name
        end
    end),
    Config.

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    mailbox:assert_empty().

source() ->
    <<"import asyncio, erlang\n"
      "ended = []\n"
      "\n"
      "def spin(name):\n"
      "    try:\n"
      "        erlang.call('tell', 'started')\n"
      "        while True: pass\n"
      "    finally:\n"
      "        ended.append(name)\n"
      "\n"
      "def fail(text):\n"
      "    raise ValueError(text)\n"
      "\n"
      "async def sleep(name):\n"
      "    try:\n"
      "        await erlang.async_call('tell', 'started')\n"
      "        await asyncio.sleep(3600)\n"
      "    except asyncio.CancelledError:\n"
      "        await erlang.async_call('tell', (name, 'cancelled'))\n"
      "        raise\n"
      "\n"
      "async def cancel_newcomers():\n"
      "    old = asyncio.all_tasks()\n"
      "    await erlang.async_call('tell', 'waiting')\n"
      "    while not (new := asyncio.all_tasks() - old):\n"
      "        await asyncio.sleep(0)\n"
      "    for each in new:\n"
      "        each.cancel()\n"
      "\n"
      "async def leave(status):\n"
      "    raise SystemExit(status)\n"
      "\n"
      "async def fail_after_start(text):\n"
      "    await asyncio.sleep(0.05)\n"
      "    raise ValueError(text)\n"
      "\n"
      "here = []\n"
      "async def meet(count, *, value):\n"
      "    future = asyncio.get_running_loop().create_future()\n"
      "    here.append(future)\n"
      "    if len(here) == count:\n"
      "        for one in here: one.set_result(None)\n"
      "        here.clear()\n"
      "    await future\n"
      "    return value\n">>.

%% Code must not call Erlang while it is being interrupted.
await_ended(Names) ->
    eventually:equal({ok, Names}, fun() -> py:eval(<<"sorted(ended)">>) end),
    ok = py:exec(<<"ended.clear()">>).

calls_run_side_by_side(_Config) ->
    Names = lists:seq(1, 5),
    Refs = [py:call_async(erlang, call, [hold, Name], #{timeout => 20}) || Name <- Names],
    Holding = [
        receive
            {holding, Name, Pid} -> Pid
        end
     || Name <- Names
    ],
    [Pid ! let_go || Pid <- Holding],
    ?assertEqual([{ok, Name} || Name <- Names], [py:await(Ref) || Ref <- Refs]).

failures_come_with_await(_Config) ->
    Ref = py:call_async('__main__', fail, [<<"no">>]),
    ?assertEqual({error, {'ValueError', <<"no">>}}, py:await(Ref, 5000)),
    {ok, Traceback} = py:last_traceback(),
    ?assertNotEqual(nomatch, binary:match(Traceback, <<"in fail">>)).

awaiting_in_vain_interrupts_the_code(_Config) ->
    Ref = py:call_async('__main__', spin, [<<"a">>]),
    ?assertEqual(<<"started">>, python_side:told()),
    ?assertEqual({error, timeout}, py:await(Ref, 10)),
    await_ended([<<"a">>]).

a_call_is_awaited_once(_Config) ->
    Ref = py:call_async(math, sqrt, [16]),
    ?assertEqual({ok, 4.0}, py:await(Ref)),
    ?assertEqual({error, unknown_call}, py:await(Ref)),
    ?assertEqual({error, unknown_call}, py:await(make_ref())),
    ?assertError(badarg, py:await(no_reference)),
    %% Only the process that started the call can await it.
    Other = py:call_async(math, sqrt, [9]),
    ?assertEqual([{error, unknown_call}], in_processes:values(1, fun(_) -> py:await(Other) end)),
    ?assertEqual({ok, 3.0}, py:await(Other)).

a_dead_callers_calls_are_interrupted(_Config) ->
    Start = fun() ->
        Caller = spawn(fun() ->
            [py:call_async('__main__', spin, [N]) || N <- [1, 2]],
            receive
                stop -> ok
            end
        end),
        ?assertEqual([<<"started">>, <<"started">>], [python_side:told(), python_side:told()]),
        Caller
    end,
    death:kill(Start()),
    await_ended([1, 2]),
    %% The same when the starter ends by itself without awaiting them.
    Start() ! stop,
    await_ended([1, 2]).

a_killed_worker_is_an_error(_Config) ->
    Ref = py:call_async('__main__', spin, [4]),
    ?assertEqual(<<"started">>, python_side:told()),
    {monitors, Monitored} = process_info(self(), monitors),
    [exit(Pid, kill) || {process, Pid} <- Monitored],
    ?assertEqual({error, disconnected}, py:await(Ref)),
    await_ended([4]).

%% All of these calls run in one process, the thread's handler.
a_registered_function_leaves_no_calls_behind(_Config) ->
    Test = self(),
    ok = py:register_function(leave, fun([]) ->
        _ = py:call_async('__main__', spin, [<<"left">>]),
        _ = py:call_async(math, sqrt, [4]),
        Test ! {handler, self()},
        receive
            go_on -> none
        end
    end),
    ok = py:register_function(outer, fun([]) ->
        Ref = py:call_async(math, sqrt, [16]),
        {error, {'ZeroDivisionError', _}} = py:eval(<<"1/0">>),
        {ok, Inner} = py:eval(<<"erlang.call('inner', ref)">>, #{ref => Ref}),
        {ok, <<"Traceback", _/binary>>} = py:last_traceback(),
        {Inner, py:await(Ref)}
    end),
    ok = py:register_function(inner, fun([Ref]) -> {py:await(Ref), py:last_traceback()} end),
    Caller = spawn_monitor(fun() ->
        ok = py:context(),
        {ok, none} = py:eval(<<"erlang.call('leave')">>),
        exit(py:eval(<<"erlang.call('outer')">>))
    end),
    Handler =
        receive
            {handler, Pid} -> Pid
        end,
    ?assertEqual(<<"started">>, python_side:told()),
    Handler ! go_on,
    ?assertEqual(
        {ok, {{{error, unknown_call}, {error, none}}, {ok, 4.0}}}, death:reason(Caller, 10000)
    ),
    await_ended([<<"left">>]),
    {dictionary, Dictionary} = process_info(Handler, dictionary),
    ?assertEqual([], [Key || {Key, _} <- Dictionary, is_of_requests(Key)]),
    ?assertEqual({messages, []}, process_info(Handler, messages)).

is_of_requests(Key) ->
    string:find(io_lib:format("~tp", [Key]), "$erlang_python") =/= nomatch.

bad_arguments_fail_at_once(_Config) ->
    ?assertError(badarg, py:call_async(math, sqrt, 16)),
    ?assertError(badarg, py:cast(math, sqrt, [], [17])),
    ?assertError(badarg, py:async_call(17, sqrt, [])),
    ?assertError(badarg, py:async_gather([{math, sqrt}])),
    ?assertError(badarg, py:async_gather(math)).

a_cast_outlives_its_caller(_Config) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit(py:cast(erlang, call, [hold, <<"cast">>])) end),
    receive
        {'DOWN', Monitor, process, Pid, Result} -> ?assertEqual(ok, Result)
    end,
    receive
        {holding, <<"cast">>, Holder} -> Holder ! let_go
    end.

a_cast_that_fails_is_logged(_Config) ->
    ok = log_to_test:start(),
    ok = py:cast('__main__', fail, [<<"cast in vain">>]),
    #{level := Level, text := Text} = log_to_test:next(),
    log_to_test:stop(),
    ?assertEqual(warning, Level),
    ?assertNotEqual(nomatch, binary:match(Text, <<"ValueError: cast in vain">>)).

coroutines_run_on_the_default_loop(_Config) ->
    Refs = [py:async_call('__main__', meet, [3], #{value => N}) || N <- [1, 2, 3]],
    ?assertEqual([{ok, 1}, {ok, 2}, {ok, 3}], [py:async_await(Ref) || Ref <- Refs]),
    ?assertEqual({ok, done}, py_loop:call(py_default_loop, asyncio, sleep, [0, done])).

plain_functions_are_called_in_the_loop(_Config) ->
    ?assertEqual({ok, 4.0}, py:async_await(py:async_call(math, sqrt, [16]))),
    ?assertEqual({ok, [4.0, 5.0]}, py:async_gather([{math, sqrt, [16]}, {math, sqrt, [25], #{}}])).

a_call_that_blocks_another_loop_may_use_the_default_loop(_Config) ->
    ok = py:exec(
        <<"async def block(milliseconds):\n"
          "    return erlang.call('on_default_loop', milliseconds)\n">>
    ),
    ok = py:register_function(on_default_loop, fun([Milliseconds]) ->
        py:async_await(py:async_call(asyncio, sleep, [0, done]), Milliseconds)
    end),
    ?assertEqual({ok, {ok, done}}, py:eval(<<"asyncio.run(block(20000))">>)),
    Blocking = py:async_call('__main__', block, [100]),
    ?assertEqual({ok, {error, timeout}}, py:async_await(Blocking)).

awaiting_a_coroutine_in_vain_cancels_it(_Config) ->
    Ref = py:async_call('__main__', sleep, [<<"b">>]),
    ?assertEqual(<<"started">>, python_side:told()),
    ?assertEqual({error, timeout}, py:async_await(Ref, 10)),
    ?assertEqual({<<"b">>, <<"cancelled">>}, python_side:told()).

a_dead_callers_coroutines_are_cancelled(_Config) ->
    Caller = spawn(fun() ->
        [py:async_call('__main__', sleep, [N]) || N <- [1, 2]],
        receive
            never -> ok
        end
    end),
    ?assertEqual([<<"started">>, <<"started">>], [python_side:told(), python_side:told()]),
    death:kill(Caller),
    ?assertEqual(
        [{1, <<"cancelled">>}, {2, <<"cancelled">>}],
        lists:sort([python_side:told(), python_side:told()])
    ).

%% A loop that ends cancels the tasks that it has just made.
a_coroutine_that_is_cancelled_before_it_begins_leaves_no_warning(_Config) ->
    ok = py:exec(
        <<"import gc, warnings\n"
          "warned = []\n"
          "shown = warnings.showwarning\n"
          "warnings.showwarning = lambda message, *_: warned.append(str(message))\n">>
    ),
    Canceller = py:async_call('__main__', cancel_newcomers, []),
    ?assertEqual(<<"waiting">>, python_side:told()),
    %% The coroutine would report its start.
    Newcomer = py:async_call('__main__', sleep, [<<"never">>]),
    ?assertMatch({error, {'CancelledError', _}}, py:async_await(Newcomer)),
    ?assertEqual({ok, none}, py:async_await(Canceller)),
    ?assertEqual({ok, []}, py:eval(<<"gc.collect() and None or warned">>)),
    ok = py:exec(<<"warnings.showwarning = shown\n">>).

gathered_coroutines_meet(_Config) ->
    Count = 500,
    Calls = [{'__main__', meet, [Count], #{value => N}} || N <- lists:seq(1, Count)],
    ?assertEqual({ok, lists:seq(1, Count)}, py:async_gather(Calls)),
    ?assertEqual({ok, []}, py:async_gather([])).

the_first_failure_of_a_gathering_cancels_the_others(_Config) ->
    Calls = [{'__main__', sleep, [<<"c">>]}, {'__main__', fail_after_start, [<<"no">>]}],
    ?assertEqual({error, {'ValueError', <<"no">>}}, py:async_gather(Calls)),
    ?assertEqual(<<"started">>, python_side:told()),
    ?assertEqual({<<"c">>, <<"cancelled">>}, python_side:told()).

system_exit_ends_the_coroutine_only(_Config) ->
    Loop = whereis(py_default_loop),
    Other = py:async_call('__main__', sleep, [<<"other">>]),
    ?assertEqual(<<"started">>, python_side:told()),
    Exit = {error, {'SystemExit', <<"3">>}},
    ?assertEqual(Exit, py:async_await(py:async_call(sys, exit, [3]))),
    ?assertEqual(Exit, py:async_await(py:async_call('__main__', leave, [3]))),
    {ok, Traceback} = py:last_traceback(),
    ?assertNotEqual(nomatch, binary:match(Traceback, <<"in leave">>)),
    ?assertEqual(Exit, py:async_gather([{'__main__', leave, [3]}, {asyncio, sleep, [3600]}])),
    ?assertEqual(Loop, whereis(py_default_loop)),
    ?assertEqual({error, timeout}, py:async_await(Other, 0)),
    ?assertEqual({<<"other">>, <<"cancelled">>}, python_side:told()).

conversion_errors_of_arguments_name_them(_Config) ->
    Place = fun({error, {'TypeError', Text}}) -> hd(binary:split(Text, <<":">>)) end,
    ?assertEqual(<<"args[0]">>, Place(py:call(math, sqrt, [[1 | 2]]))),
    ?assertEqual(<<"args[1]['k']">>, Place(py:call(math, sqrt, [1, #{k => <<1:1>>}]))),
    ?assertEqual(<<"kwargs['x'][2]">>, Place(py:call(math, sqrt, [], #{x => [0, 0, <<1:1>>]}))),
    ?assertEqual(<<"locals['y'][0]">>, Place(py:eval(<<"1">>, #{y => {<<1:1>>}}))),
    ?assertEqual(<<"args[0]">>, Place(py:stream(builtins, iter, [<<1:1>>]))),
    ?assertEqual(<<"args[0]">>, Place(py:await(py:call_async(math, sqrt, [<<1:1>>])))),
    ?assertEqual(<<"kwargs['z']">>, Place(py:await(py:async_call(math, sqrt, [], #{z => <<1:1>>})))),
    ?assertEqual(
        <<"calls[1][2][0]">>,
        Place(py:async_gather([{math, sqrt, [1]}, {math, sqrt, [<<1:1>>]}]))
    ),
    ?assertEqual(
        <<"args[0]">>, Place(py_loop:call(py_default_loop, asyncio, sleep, [<<1:1>>]))
    ).

the_default_loop_is_started_once_and_restarted(_Config) ->
    ok = application:stop(erlang_python),
    {ok, _} = application:ensure_all_started(erlang_python),
    ?assertEqual(undefined, whereis(py_default_loop)),
    Four = fun(_) -> py:async_await(py:async_call(math, sqrt, [16])) end,
    ?assertEqual(lists:duplicate(50, {ok, 4.0}), in_processes:values(50, Four)),
    ?assertMatch([_], py_loop_registry:all()),
    Loop = whereis(py_default_loop),
    death:kill(Loop),
    eventually:true(fun() -> Four(1) =:= {ok, 4.0} end),
    ?assertNotEqual(Loop, whereis(py_default_loop)).

nothing_runs_without_the_application(_Config) ->
    ok = application:stop(erlang_python),
    ?assertEqual({error, not_running}, py:await(py:call_async(math, sqrt, [16]))),
    ?assertEqual({error, not_running}, py:async_await(py:async_call(math, sqrt, [16]))),
    ?assertEqual({error, not_running}, py:async_gather([{math, sqrt, [16]}])),
    ?assertEqual({error, not_running}, py:stream(builtins, iter, [[]])),
    ?assertEqual({error, not_running}, py:context()),
    ?assertEqual({error, not_running}, py:gc()),
    {ok, _} = application:ensure_all_started(erlang_python).
