%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops and the application: those of its configuration, and all of them when it stops.
-module(loop_application_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_suite/1, end_per_suite/1]).
-export([
    loops_of_the_configuration_are_started/1,
    without_a_kind_a_loop_is_uvloops_where_that_is_installed/1,
    one_that_keeps_crashing_ends_the_application_and_no_other_loop_before/1,
    stopping_the_application_stops_all_loops/1
]).

all() ->
    [
        loops_of_the_configuration_are_started,
        without_a_kind_a_loop_is_uvloops_where_that_is_installed,
        one_that_keeps_crashing_ends_the_application_and_no_other_loop_before,
        stopping_the_application_stops_all_loops
    ].

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

source() ->
    <<"import asyncio\n"
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
        ?assertEqual(2, length(py_loops:all()))
    after
        application:stop(erlang_python),
        application:unset_env(erlang_python, loops),
        {ok, _} = application:ensure_all_started(erlang_python)
    end.

%% It is, with the packages of the tests.
without_a_kind_a_loop_is_uvloops_where_that_is_installed(_Config) ->
    {ok, Loop} = py_loop:start_link(#{}),
    {ok, Module} = call(Loop, kind, []),
    ?assertMatch({0, _}, binary:match(Module, <<"uvloop">>)),
    ?assertEqual({ok, Module}, py:async_await(py:async_call('__main__', kind, []))),
    ok = py_loop:stop(Loop).

%% As in any supervision tree: not for ever, and not in silence.
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
