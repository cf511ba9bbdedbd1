%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops and the application: the loops of the configuration, and all loops when the
%% application stops.
-module(loop_application_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

%% The application also starts again after a case that has ended it.
init_per_testcase(_Case, Config) ->
    python_side:start(source(), Config).

end_per_testcase(_Case, _Config) ->
    ok.

source() ->
    <<"import asyncio, os, time\n"
      "starts = 0\n"
      "async def count_starts():\n"
      "    global starts\n"
      "    starts += 1\n"
      "    await asyncio.sleep(3600)\n"
      "async def fail():\n"
      "    raise ValueError('no port')\n"
      "async def kind():\n"
      "    return type(asyncio.get_running_loop()).__module__\n"
      "async def add(a, b):\n"
      "    return a + b\n"
      "async def tell_end(name):\n"
      "    try:\n"
      "        await erlang.async_call('tell', (name, 'started'))\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        await erlang.async_call('tell', (name, 'cancelled'))\n">>.

call(Loop, Function, Args) ->
    py_loop:call(Loop, '__main__', Function, Args).

loops_of_the_configuration_are_started(_Config) ->
    ok = application:stop(erlang_python),
    ok = application:set_env(erlang_python, loops, [#{name => configured}, #{}]),
    try
        {ok, _} = application:ensure_all_started(erlang_python),
        ?assertEqual({ok, 3}, call(configured, add, [1, 2])),
        ?assertEqual(2, length(py_loop_registry:all()))
    after
        application:stop(erlang_python),
        application:unset_env(erlang_python, loops),
        {ok, _} = application:ensure_all_started(erlang_python)
    end.

%% The packages of the tests include uvloop.
without_a_kind_a_loop_is_uvloops_where_that_is_installed(_Config) ->
    {ok, Loop} = py_loop:start_link(#{}),
    {ok, Module} = call(Loop, kind, []),
    ?assertMatch({0, _}, binary:match(Module, <<"uvloop">>)),
    ?assertEqual({ok, Module}, py:async_await(py:async_call('__main__', kind, []))),
    ok = py_loop:stop(Loop).

%% The loop is restarted as in any supervision tree: not for ever, and not silently.
one_that_keeps_crashing_ends_the_application_and_no_other_loop_before(_Config) ->
    ok = application:stop(erlang_python),
    Main = fun(Function) -> {'__main__', Function, [], #{}} end,
    ok = application:set_env(erlang_python, loops, [
        #{name => healthy, main => Main(count_starts)},
        #{name => crashing, main => Main(fail)}
    ]),
    try
        {ok, _} = application:ensure_all_started(erlang_python),
        ?assertEqual(shutdown, death:wait(whereis(erlang_python_sup)))
    after
        _ = application:stop(erlang_python),
        application:unset_env(erlang_python, loops),
        {ok, _} = application:ensure_all_started(erlang_python)
    end,
    ?assertEqual({ok, 1}, py:eval(<<"starts">>)).

%% On a busy machine the top supervisor may need a long time to restart the process that knows the
%% loops. The loops' supervisor must not run out of restarts meanwhile.
killed_loops_come_back_before_the_process_that_knows_them(_Config) ->
    {ok, 3} = py:async_await(py:async_call('__main__', add, [1, 2])),
    Top = whereis(erlang_python_sup),
    Loops = whereis(py_loop_sup),
    Old = whereis(py_default_loop),
    without_py_loop_registry(fun() ->
        death:kill(Old),
        await_successor(py_default_loop, Old),
        ?assertEqual(undefined, whereis(py_loop_registry))
    end),
    ?assertEqual({ok, 5}, call(py_default_loop, add, [2, 3])),
    ?assertEqual({Top, Loops}, {whereis(erlang_python_sup), whereis(py_loop_sup)}).

%% A killed loop still ends before its successor starts.
a_users_supervisor_restarts_a_loop_before_the_process_that_knows_them_is_back(_Config) ->
    ok = python_side:register_tell(),
    Main = {'__main__', tell_end, [<<"y">>], #{}},
    {ok, Supervisor} = own_supervisor:start_link([
        py_loop:child_spec(#{name => users_loop, main => Main})
    ]),
    ?assertEqual({<<"y">>, <<"started">>}, python_side:told()),
    without_py_loop_registry(fun() ->
        death:kill(users_loop),
        ?assertEqual({<<"y">>, <<"cancelled">>}, python_side:told()),
        ?assertEqual({<<"y">>, <<"started">>}, python_side:told()),
        ?assertEqual(undefined, whereis(py_loop_registry))
    end),
    ?assertEqual({ok, 5}, call(users_loop, add, [2, 3])),
    ok = gen_server:stop(Supervisor),
    ?assertEqual({<<"y">>, <<"cancelled">>}, python_side:told()).

%% The restarted process monitors the loops again, and removes the rows of ended loops from its
%% table.
loops_that_came_back_alone_are_known_again(_Config) ->
    eventually:equal([], fun() -> py_loop_registry:all() -- [whereis(py_default_loop)] end),
    process_flag(trap_exit, true),
    Loops = without_py_loop_registry(fun() ->
        [Loop || _ <- lists:seq(1, 3), {ok, Loop} <- [py_loop:start_link(#{})]]
    end),
    ?assertEqual([], Loops -- py_loop_registry:all()),
    [death:kill(Loop) || Loop <- Loops],
    eventually:equal([], fun() ->
        [Pid || Pid <- Loops, ets:member(py_loop_registry, Pid)]
    end).

a_loop_that_starts_while_the_application_dies_is_told(Config) ->
    starts_late(Config, fun() -> ?assertEqual(undefined, ets:info(py_loop_registry)) end).

a_loop_that_starts_is_not_of_the_next_start(Config) ->
    starts_late(Config, fun() -> {ok, _} = application:ensure_all_started(erlang_python) end).

%% The application is killed while Python makes the loop. The loop is ready only after `Fun'.
starts_late(Config, Fun) ->
    Name = filename:join(proplists:get_value(priv_dir, Config), "go_on"),
    _ = file:delete(Name),
    ok = python_side:register_tell(),
    ok = py:exec(<<
        "new_event_loop = asyncio.new_event_loop\n"
        "def late_loop(name):\n"
        "    asyncio.new_event_loop = new_event_loop\n"
        "    erlang.call('tell', 'making')\n"
        "    while not os.path.exists(name): time.sleep(0.001)\n"
        "    return new_event_loop()\n"
    >>),
    {ok, _} = py:eval(
        <<"setattr(asyncio, 'new_event_loop', lambda: late_loop(name))">>,
        #{name => list_to_binary(Name)}
    ),
    Starter = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        exit({started, py_loop:start_link(#{loop => asyncio})})
    end),
    ?assertEqual(<<"making">>, python_side:told()),
    death:kill(erlang_python_sup),
    eventually:equal(false, fun() ->
        lists:keymember(erlang_python, 1, application:which_applications())
    end),
    Fun(),
    ok = file:write_file(Name, <<>>),
    ?assertEqual({started, {error, not_running}}, death:reason(Starter, 20000)).

%% The process that knows the loops is restarted only after `Fun' has returned.
without_py_loop_registry(Fun) ->
    Top = whereis(erlang_python_sup),
    true = erlang:suspend_process(Top),
    try
        death:kill(py_loop_registry),
        Fun()
    after
        true = erlang:resume_process(Top),
        eventually:true(fun() -> is_pid(whereis(py_loop_registry)) end)
    end.

await_successor(Name, Old) ->
    eventually:equal(running, fun() ->
        case py_loop_registry:channel(Name) of
            {ok, _} -> running;
            not_running -> not_running
        end
    end),
    ?assertNotEqual(Old, whereis(Name)).

stopping_the_application_stops_all_loops(_Config) ->
    ok = python_side:register_tell(),
    process_flag(trap_exit, true),
    Main = {'__main__', tell_end, [<<"x">>], #{}},
    {ok, Loop} = py_loop:start_link(#{main => Main}),
    ?assertEqual({<<"x">>, <<"started">>}, python_side:told()),
    ok = application:stop(erlang_python),
    ?assertEqual({<<"x">>, <<"cancelled">>}, python_side:told()),
    ?assertNot(is_process_alive(Loop)),
    ?assertEqual({error, not_running}, py_loop:start_link(#{})),
    {ok, _} = application:ensure_all_started(erlang_python).
