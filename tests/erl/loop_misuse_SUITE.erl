%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops that are misused: options, time limits, coroutines that end more than themselves.
-module(loop_misuse_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%% Cases that choose their loops themselves, or need none.
-define(ONCE, [
    a_bad_option_is_named,
    a_child_of_bad_options_is_refused,
    an_argument_of_main_is_named_by_its_place,
    a_time_limit_that_is_none_fails_and_leaves_nothing,
    what_is_no_name_of_a_loop_fails
]).

all() ->
    ?ONCE ++ both_loops:all().

groups() ->
    both_loops:groups(cases:of_suite(?MODULE) -- ?ONCE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

init_per_testcase(_Case, Config) ->
    process_flag(trap_exit, true),
    ok = python_side:register_tell(),
    ok = py:exec(<<"events.clear()">>),
    Config.

end_per_testcase(_Case, _Config) ->
    ok = py:exec(<<"generator = task = None">>),
    lists:foreach(fun py:unregister_function/1, py:registered()).

source() ->
    <<"import asyncio, sys\n"
      "events = []\n"
      "async def add(a, b=0):\n"
      "    return a + b\n"
      "async def leave(how):\n"
      "    await asyncio.sleep(0)\n"
      "    raise KeyboardInterrupt if how == 'interrupted' else SystemExit(how)\n"
      "async def wait():\n"
      "    try:\n"
      "        await erlang.async_call('tell', 'waits')\n"
      "        await asyncio.sleep(3600)\n"
      "    except asyncio.CancelledError:\n"
      "        events.append('cancelled')\n"
      "        raise\n"
      "async def generate():\n"
      "    try:\n"
      "        while True: yield 1\n"
      "    finally:\n"
      "        await asyncio.sleep(0)  # what only the loop can do\n"
      "        events.append('generator')\n"
      "def work():\n"
      "    events.append('executor')\n"
      "async def background(how=None):\n"
      "    try:\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        await asyncio.sleep(0.01)\n"
      "        events.append('task')\n"
      "        if how: sys.exit(how)\n"
      "async def get_company(*args):\n"
      "    global generator, task\n"
      "    generator = generate()\n"
      "    await anext(generator)\n"
      "    task = asyncio.create_task(background(*args))\n"
      "    await asyncio.sleep(0)\n"
      "    loop = asyncio.get_running_loop()\n"
      "    loop.call_soon(loop.run_in_executor, None, work)\n"
      "async def main_that_exits(how):\n"
      "    await get_company()\n"
      "    await leave(how)\n"
      "async def main_with_task_that_exits(how):\n"
      "    await get_company()\n"
      "    other = asyncio.create_task(leave(how))\n"
      "    await asyncio.sleep(3600)\n"
      "async def main_with_company(*args):\n"
      "    await get_company(*args)\n"
      "    await wait()\n"
      "async def main_that_cancels_itself():\n"
      "    future = asyncio.get_running_loop().create_future()\n"
      "    future.cancel('not by stop')\n"
      "    await future\n"
      "async def lingering_main():\n"
      "    try:\n"
      "        await wait()\n"
      "    finally:\n"
      "        await erlang.async_call('tell', 'lingers')\n"
      "        await asyncio.sleep(0.2)\n"
      "async def fail():\n"
      "    await asyncio.sleep(0.01)\n"
      "    raise ValueError('broken')\n"
      "async def stop_this_loop():\n"
      "    await erlang.async_call('stop_loop')\n">>.

start(Config, Options) ->
    {ok, Loop} = py_loop:start_link(Options#{loop => both_loops:kind(Config)}),
    Loop.

start_main(Config, Main, Args) ->
    start(Config, #{main => {'__main__', Main, Args, #{}}}).

end_of(Loop) ->
    receive
        {'EXIT', Loop, Reason} -> Reason
    after 20000 ->
        error(still_alive)
    end.

events() ->
    {ok, Events} = py:eval(<<"sorted(events)">>),
    Events.

a_bad_option_is_named(_Config) ->
    Main = {m, f, [], #{}},
    Bad = [
        {nme, jobs},
        {name, "jobs"},
        {name, undefined},
        {name, {local, jobs}},
        {loop, trio},
        {stop_timeout, infinity},
        {stop_timeout, -1},
        %% The longest time-out that Erlang can wait for is shorter.
        {stop_timeout, 1 bsl 32},
        {main, {m, f}},
        {main, setelement(3, Main, no_list)},
        {main, setelement(3, Main, [1 | 2])},
        {main, setelement(4, Main, 17)},
        {main, setelement(4, Main, #{1 => 2})},
        {main, setelement(1, Main, 17)}
    ],
    [
        ?assertMatch({error, {bad_option, Key, Value, _}}, py_loop:start_link(#{Key => Value}))
     || {Key, Value} <- Bad
    ],
    ?assertEqual(
        {error, {bad_option, options, [17], not_a_map_or_list}}, py_loop:start_link([17])
    ).

a_child_of_bad_options_is_refused(_Config) ->
    ?assertError(
        {bad_option, stop_timeout, long, {not_an_integer_between, 0, _}},
        py_loop:child_spec(#{stop_timeout => long})
    ),
    ?assertError({bad_option, options, jobs, not_a_map_or_list}, py_loop:child_spec(jobs)),
    ?assertError({bad_option, loop, true, _}, py_loop:child_spec([loop])).

an_argument_of_main_is_named_by_its_place(_Config) ->
    Start = fun(Args, Kwargs) ->
        {error, {'TypeError', Text}} =
            py_loop:start_link(#{main => {'__main__', add, Args, Kwargs}}),
        hd(binary:split(Text, <<":">>))
    end,
    ?assertEqual(<<"args[1][0]">>, Start([1, [<<1:1>>]], #{})),
    ?assertEqual(<<"kwargs['b']">>, Start([], #{b => <<1:1>>})).

a_time_limit_that_is_none_fails_and_leaves_nothing(_Config) ->
    {ok, Loop} = py_loop:start_link(#{}),
    [
        begin
            ?assertError(badarg, py_loop:call(Loop, '__main__', add, [1], #{}, Limit)),
            ?assertError(badarg, py_loop:stop(Loop, Limit)),
            ?assertError(badarg, py:call(math, sqrt, [1], #{}, Limit)),
            ?assertError(badarg, py:context(Limit)),
            Ref = py:call_async(math, sqrt, [1]),
            ?assertError(badarg, py:await(Ref, Limit)),
            ?assertEqual({ok, 1.0}, py:await(Ref))
        end
     || Limit <- [-1, 1 bsl 32, 1.5, soon]
    ],
    ?assertError(badarg, py_loop:stop(Loop, infinity)),
    ?assertEqual({ok, 1}, py_loop:call(Loop, '__main__', add, [1], #{}, (1 bsl 32) - 1)),
    ok = py_loop:stop(Loop, (1 bsl 32) - 1),
    ?assertEqual(normal, end_of(Loop)),
    mailbox:assert_empty().

what_is_no_name_of_a_loop_fails(_Config) ->
    [
        begin
            ?assertError(badarg, py_loop:call(Name, '__main__', add, [1])),
            ?assertError(badarg, py_loop:stop(Name))
        end
     || Name <- ["jobs", <<"jobs">>, {jobs, node()}, make_ref()]
    ].

a_time_limit_may_stand_for_keyword_arguments(Config) ->
    Loop = start(Config, #{}),
    ?assertEqual({ok, 3}, py_loop:call(Loop, '__main__', add, [1, 2], 5000)),
    ?assertEqual({ok, 3}, py_loop:call(Loop, '__main__', add, [1, 2], infinity)),
    ?assertEqual({error, timeout}, py_loop:call(Loop, asyncio, sleep, [3600], 1)),
    ?assertEqual({ok, 3}, py_loop:call(Loop, '__main__', add, [1], #{b => 2})),
    ok = py_loop:stop(Loop).

a_call_that_exits_fails_alone(Config) ->
    Loop = start(Config, #{}),
    Other = spawn_monitor(fun() -> exit(py_loop:call(Loop, '__main__', wait, [])) end),
    ?assertEqual(<<"waits">>, python_side:told()),
    ?assertEqual({error, {'SystemExit', <<"3">>}}, py_loop:call(Loop, '__main__', leave, [3])),
    ?assertMatch({ok, _}, py:last_traceback()),
    ?assertEqual({error, {'SystemExit', <<"4">>}}, py_loop:call(Loop, sys, exit, [4])),
    ?assertEqual(
        {error, {'KeyboardInterrupt', <<>>}},
        py_loop:call(Loop, '__main__', leave, [<<"interrupted">>])
    ),
    ?assertEqual({ok, 1}, py_loop:call(Loop, '__main__', add, [1])),
    ok = py_loop:stop(Loop),
    ?assertEqual({error, disconnected}, death:reason(Other, 10000)).

a_gathering_that_exits_fails_alone(_Config) ->
    ?assertEqual({ok, [1]}, py:async_gather([{'__main__', add, [1]}])),
    Loop = whereis(py_default_loop),
    ?assertEqual(
        {error, {'SystemExit', <<"3">>}},
        py:async_gather([{'__main__', wait, []}, {'__main__', leave, [3]}, {'__main__', add, [1]}])
    ),
    ?assertEqual([<<"cancelled">>], events()),
    ?assertEqual(
        {error, {'SystemExit', <<"5">>}}, py:await(py:async_call('__main__', leave, [5]))
    ),
    ?assertEqual({error, {'SystemExit', <<"6">>}}, py:await(py:async_call(sys, exit, [6]))),
    ?assertEqual(Loop, whereis(py_default_loop)),
    ?assertEqual({ok, [1]}, py:async_gather([{'__main__', add, [1]}])).

a_main_that_exits_ends_its_company(Config) ->
    [
        begin
            Loop = start_main(Config, main_that_exits, [How]),
            ?assertEqual({main_failed, Reason}, end_of(Loop)),
            ?assertEqual([<<"executor">>, <<"generator">>, <<"task">>], events()),
            ok = py:exec(<<"events.clear()">>)
        end
     || {How, Reason} <- [
            {3, {'SystemExit', <<"3">>}},
            {0, {'SystemExit', <<"0">>}},
            {<<"interrupted">>, {'KeyboardInterrupt', <<>>}}
        ]
    ].

%% As in asyncio: no code awaits this task, so its SystemExit ends the whole loop.
a_task_that_exits_ends_the_loop_and_its_company(Config) ->
    Loop = start_main(Config, main_with_task_that_exits, [3]),
    ?assertEqual({main_failed, {'SystemExit', <<"3">>}}, end_of(Loop)),
    ?assertEqual([<<"executor">>, <<"generator">>, <<"task">>], events()).

a_task_that_exits_while_the_loop_ends_leaves_none_behind(Config) ->
    Loop = start_main(Config, main_with_company, [3]),
    ?assertEqual(<<"waits">>, python_side:told()),
    ?assertEqual(ok, py_loop:stop(Loop)),
    ?assertEqual([<<"cancelled">>, <<"executor">>, <<"generator">>, <<"task">>], events()).

a_main_that_was_cancelled_by_itself_has_failed(Config) ->
    Loop = start_main(Config, main_that_cancels_itself, []),
    ?assertMatch({main_failed, {'CancelledError', _}}, end_of(Loop)).

stopping_a_loop_that_is_stopped_already_is_fine(Config) ->
    Loop = start_main(Config, lingering_main, []),
    ?assertEqual(<<"waits">>, python_side:told()),
    %% The test stops the loop as a supervisor would.
    exit(Loop, shutdown),
    ?assertEqual(<<"lingers">>, python_side:told()),
    ?assertEqual(ok, py_loop:stop(Loop)),
    ?assertEqual(shutdown, end_of(Loop)),
    ?assertEqual({error, not_running}, py_loop:stop(Loop)).

stopping_a_loop_that_fails_meanwhile_is_fine(Config) ->
    Loop = start_main(Config, fail, []),
    ok = sys:suspend(Loop),
    Stopping = spawn_monitor(fun() -> exit(py_loop:stop(Loop)) end),
    eventually:equal({message_queue_len, 2}, fun() -> process_info(Loop, message_queue_len) end),
    ok = sys:resume(Loop),
    ?assertEqual(ok, death:reason(Stopping, 10000)),
    ?assertMatch(Reason when Reason =:= normal; element(1, Reason) =:= main_failed, end_of(Loop)).

a_coroutine_may_stop_its_own_loop(Config) ->
    Loop = start(Config, #{name => loop_that_is_stopped_from_within}),
    ok = py:register_function(stop_loop, fun([]) -> py_loop:stop(Loop) end),
    ?assertEqual({error, disconnected}, py_loop:call(Loop, '__main__', stop_this_loop, [])),
    ?assertEqual(normal, end_of(Loop)).
