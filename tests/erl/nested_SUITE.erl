%% SPDX-License-Identifier: Apache-2.0
%% Erlang -> Python -> Erlang -> Python ... on one Python thread.
-module(nested_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    mailbox:assert_empty().

source() ->
    <<"import asyncio, ctypes, threading, time\n"
      "lock = threading.RLock()\n"
      "local = threading.local()\n"
      "\n"
      "def descend(n):\n"
      "    if n == 0:\n"
      "        return [threading.get_ident()]\n"
      "    with lock:\n"
      "        return [threading.get_ident()] + erlang.call('descend', n - 1)\n"
      "\n"
      "def remember(n):\n"
      "    local.values = getattr(local, 'values', []) + [n]\n"
      "    if n == 0:\n"
      "        return local.values\n"
      "    with lock:\n"
      "        return erlang.call('remember', n - 1)\n"
      "\n"
      "async def in_executor(function, n):\n"
      "    return await asyncio.get_running_loop().run_in_executor(None, globals()[function], n)\n"
      "\n"
      "def down_to_others(n):\n"
      "    local.depth = getattr(local, 'depth', 0) + 1\n"
      "    if n == 0:\n"
      "        return [local.depth] + erlang.call('others')\n"
      "    with threading_lock():\n"
      "        return erlang.call('down_to_others', n - 1)\n"
      "\n"
      "def threading_lock():\n"
      "    if not hasattr(local, 'lock'):\n"
      "        local.lock = threading.RLock()\n"
      "    return local.lock\n"
      "\n"
      "def fail_at_bottom(n):\n"
      "    if n == 0:\n"
      "        raise ValueError('bottom')\n"
      "    return erlang.call('fail_at_bottom', n - 1)\n"
      "\n"
      "def from_thread(n, function='descend'):\n"
      "    values = []\n"
      "    t = threading.Thread(target=lambda: values.append(globals()[function](n)))\n"
      "    t.start()\n"
      "    t.join()\n"
      "    return values[0]\n"
      "\n"
      "def sleep(seconds):\n"
      "    until = time.monotonic() + seconds\n"
      "    while time.monotonic() < until: pass\n"
      "    return 'slept'\n"
      "\n"
      "libc = ctypes.PyDLL(None)\n"
      "def keep_gil(folder, milliseconds):\n"
      "    libc.mkdir(folder.encode(), 0o700)\n"
      "    libc.usleep(milliseconds * 1000)\n"
      "\n"
      "def aio(name, *args):\n"
      "    async def main():\n"
      "        return await erlang.async_call(name, *args)\n"
      "    return asyncio.run(main())\n">>.

%% Registers a function that calls the Python function of the same name.
bounce(Name) ->
    ok = py:register_function(Name, fun([N]) ->
        case py:call('__main__', Name, [N]) of
            {ok, Value} -> Value;
            {error, Reason} -> error(Reason)
        end
    end).

a_nested_call_runs_on_the_waiting_thread(_Config) ->
    bounce(descend),
    {ok, [Outer, Inner]} = py:call('__main__', descend, [1]),
    ?assertEqual(Outer, Inner).

another_process_runs_on_another_thread(_Config) ->
    ok = py:register_function(descend, fun([N]) ->
        [Value] = in_processes:values(1, fun(_) ->
            {ok, Value} = py:call(threading, get_ident, []),
            [Value + N]
        end),
        Value
    end),
    {ok, [Outer, Inner]} = py:call('__main__', descend, [1]),
    ?assertNotEqual(Outer, Inner).

fifty_levels_deep(_Config) ->
    bounce(descend),
    {ok, Threads} = py:call('__main__', descend, [60]),
    ?assertEqual(61, length(Threads)),
    ?assertMatch([_], lists:usort(Threads)).

fifty_levels_deep_from_a_thread(_Config) ->
    bounce(descend),
    {ok, Threads} = py:call('__main__', from_thread, [60]),
    ?assertEqual(61, length(Threads)),
    ?assertMatch([_], lists:usort(Threads)).

fifty_levels_deep_from_a_loops_executor(_Config) ->
    bounce(descend),
    {ok, Loop} = py_loop:start_link(#{}),
    {ok, Threads} = py_loop:call(Loop, '__main__', in_executor, [descend, 60]),
    ?assertEqual(61, length(Threads)),
    ?assertMatch([_], lists:usort(Threads)),
    ok = py_loop:stop(Loop).

%% Fifty nested calls from a context, a thread and a loop's executor at once. Each holds its own
%% lock fifty times and sees its own thread-locals. At the bottom, others call too, also the loop.
others_go_on_while_fifty_levels_wait(_Config) ->
    bounce(down_to_others),
    {ok, Loop} = py_loop:start_link(#{}),
    ok = py:register_function(others, fun([]) ->
        Roots = in_processes:values(20, fun(N) -> py:call(math, sqrt, [N * N]) end),
        {ok, ticked} = py_loop:call(Loop, asyncio, sleep, [0, ticked]),
        [Root || {ok, Root} <- Roots]
    end),
    Starts = [
        fun() -> py:call('__main__', down_to_others, [50]) end,
        fun() -> py:call('__main__', from_thread, [50, down_to_others]) end,
        fun() -> py_loop:call(Loop, '__main__', in_executor, [down_to_others, 50]) end
    ],
    Expected = [51 | [float(N) || N <- lists:seq(1, 20)]],
    ?assertEqual(
        [{ok, Expected}, {ok, Expected}, {ok, Expected}],
        in_processes:values(3, fun(N) -> (lists:nth(N, Starts))() end)
    ),
    ok = py_loop:stop(Loop).

a_lock_and_thread_locals_are_held_across(_Config) ->
    bounce(remember),
    ?assertEqual({ok, [3, 2, 1, 0]}, py:call('__main__', remember, [3])).

many_nest_at_once(_Config) ->
    ok = py:register_function(around, fun([N]) ->
        case N of
            0 -> 0;
            _ ->
                {ok, Value} = py:eval(<<"erlang.call('around', n) + 1">>, #{n => N - 1}),
                Value
        end
    end),
    ?assertEqual(
        lists:duplicate(40, {ok, 10}),
        in_processes:values(40, fun(_) -> py:eval(<<"erlang.call('around', 10)">>) end)
    ).

an_exception_travels_through_all_levels(_Config) ->
    bounce(fail_at_bottom),
    {error, {'Error', Text}} = py:call('__main__', fail_at_bottom, [5]),
    ?assertNotEqual(nomatch, binary:match(Text, <<"bottom">>)).

a_nested_timeout_is_the_callers_own(_Config) ->
    ok = py:register_function(impatient, fun([]) ->
        py:call('__main__', sleep, [60], #{}, 50)
    end),
    ?assertEqual({ok, {error, timeout}}, py:eval(<<"erlang.call('impatient')">>, #{}, 20000)),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

an_outer_timeout_bounds_inner_waits(_Config) ->
    Test = self(),
    ok = py:register_function(outer, fun([]) ->
        py:eval(<<"erlang.call('inner')">>, #{}, 100)
    end),
    ok = py:register_function(inner, fun([]) ->
        Result = py:call('__main__', sleep, [60], #{}, infinity),
        Test ! {inner, Result},
        1
    end),
    ?assertMatch({ok, {error, timeout}}, py:eval(<<"erlang.call('outer')">>, #{}, 20000)),
    receive
        {inner, Result} -> ?assertEqual({error, timeout}, Result)
    end.

%% The thread takes a nested request and has to wait for the GIL. Meanwhile both waits time out and
%% the inner function returns. The inner value goes before the interruption, so the outer function
%% survives.
an_outer_timeout_is_told_also_when_the_thread_comes_late(Config) ->
    Kept = filename:join(proplists:get_value(priv_dir, Config), "kept"),
    ok = py:register_function(outer, fun([]) ->
        py:eval(<<"erlang.call('inner')">>, #{}, 20)
    end),
    ok = py:register_function(inner, fun([]) ->
        Keeper = spawn_monitor(fun() ->
            exit(py:call('__main__', keep_gil, [list_to_binary(Kept), 80]))
        end),
        eventually:true(fun() -> filelib:is_dir(Kept) end),
        {error, timeout} = py:call('__main__', sleep, [60], #{}, infinity),
        Keeper
    end),
    [
        begin
            Calls = <<"erlang.call('outer')">>,
            ?assertEqual({ok, {error, timeout}}, py:eval(Calls, #{}, 20000)),
            _ = file:del_dir(Kept)
        end
     || _ <- lists:seq(1, 20)
    ].

an_abandoned_nested_request_leaves_the_thread_usable(_Config) ->
    ok = py:register_function(impatient, fun([N]) ->
        [{error, timeout} = py:call('__main__', sleep, [60], #{}, 10) || _ <- lists:seq(1, N)],
        {ok, Value} = py:eval(<<"6 * 7">>),
        Value
    end),
    ?assertEqual({ok, 43}, py:eval(<<"erlang.call('impatient', 3) + 1">>, #{}, 20000)).

a_function_that_dies_in_the_middle_ends_everything_above(_Config) ->
    ok = py:register_function(middle, fun([]) ->
        {ok, _} = py:eval(<<"erlang.call('dies')">>)
    end),
    ok = py:register_function(dies, fun([]) -> exit(self(), kill) end),
    ?assertMatch({error, {'Disconnected', _}}, py:eval(<<"erlang.call('middle')">>)),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

nested_calls_leave_no_messages(_Config) ->
    ok = py:register_function(races, fun([Timeout]) ->
        _ = py:call('__main__', sleep, [0.002], #{}, Timeout),
        {messages, Messages} = process_info(self(), messages),
        length(Messages)
    end),
    {ok, Counts} = py:eval(
        <<"[erlang.call('races', i % 5) for i in range(200)]">>, #{}, 60000
    ),
    ?assertEqual([0], lists:usort(Counts)).

an_async_call_is_not_nested(_Config) ->
    %% A loop does not wait in a call, so the loop's thread can't serve: a context serves the
    %% request.
    ok = py:register_function(slow, fun([Seconds]) ->
        {ok, Value} = py:call('__main__', sleep, [Seconds]),
        Value
    end),
    ?assertEqual({ok, <<"slept">>}, py:call('__main__', aio, [slow, 0.01])).
