%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops with many callers, and their ends: graceful, forced, repeated.
-module(loop_end_SUITE).

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

source() ->
    <<"import asyncio, contextvars, socket, threading, time\n"
      "events, cancelled = [], []\n"
      "release = threading.Event()\n"
      "here = []\n"
      "async def meet(count):\n"
      "    future = asyncio.get_running_loop().create_future()\n"
      "    here.append(future)\n"
      "    if len(here) == count:\n"
      "        for one in here: one.set_result(None)\n"
      "        here.clear()\n"
      "    await future\n"
      "    return count\n"
      "waiting = []\n"
      "async def wait(number, count):\n"
      "    try:\n"
      "        waiting.append(number)\n"
      "        if len(waiting) == count: await erlang.async_call('tell', 'all wait')\n"
      "        await asyncio.get_running_loop().create_future()\n"
      "    except asyncio.CancelledError:\n"
      "        cancelled.append(number)\n"
      "        raise\n"
      "async def cancel_itself():\n"
      "    asyncio.current_task().cancel()\n"
      "    await asyncio.sleep(1)\n"
      "async def generate():\n"
      "    try:\n"
      "        while True: yield 1\n"
      "    finally:\n"
      "        events.append('generator')\n"
      "def work():\n"
      "    release.wait(10)\n"
      "    events.append('executor')\n"
      "async def begin_work():\n"
      "    asyncio.get_running_loop().run_in_executor(None, work)\n"
      "    return threading.get_native_id()\n"
      "async def background():\n"
      "    try:\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        events.append('task')\n"
      "async def main_with_company():\n"
      "    global generator, task\n"
      "    generator = generate()\n"
      "    await anext(generator)\n"
      "    task = asyncio.create_task(background())\n"
      "    await begin_work()\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    try:\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        events.append('main')\n"
      "        release.set()\n"
      "async def refuse():\n"
      "    while True:\n"
      "        try: await asyncio.sleep(3600)\n"
      "        except asyncio.CancelledError: pass\n"
      "async def main_with_bad_company():\n"
      "    global refusing\n"
      "    refusing = asyncio.create_task(refuse())\n"
      "    await main_with_company()\n"
      "async def main_that_leaves_bad_company():\n"
      "    global refusing\n"
      "    refusing = asyncio.create_task(refuse())\n"
      "    await asyncio.sleep(0)\n"
      "    return 'left'\n"
      "async def main_that_spins():\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    while True: pass\n"
      "async def main_that_blocks():\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    erlang.call('hang')\n"
      "async def fail_when_cancelled():\n"
      "    try:\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        raise ValueError('not like this')\n"
      "async def main_with_failing_task():\n"
      "    global task\n"
      "    task = asyncio.create_task(fail_when_cancelled())\n"
      "    asyncio.get_running_loop().set_exception_handler(\n"
      "        lambda loop, context: events.append(str(context['exception'])))\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    await asyncio.sleep(3600)\n"
      "async def linger():\n"
      "    try:\n"
      "        await asyncio.sleep(3600)\n"
      "    finally:\n"
      "        await erlang.async_call('tell', 'lingers')\n"
      "        while not release.is_set(): await asyncio.sleep(0.001)\n"
      "async def main_with_lingering_task():\n"
      "    global task\n"
      "    task = asyncio.create_task(linger())\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    await asyncio.sleep(3600)\n"
      "async def begin_at_the_end():\n"
      "    try:\n"
      "        yield 1\n"
      "    finally:\n"
      "        global task\n"
      "        task = asyncio.create_task(background())\n"
      "        await asyncio.sleep(0)\n"
      "async def main_with_late_task():\n"
      "    global generator\n"
      "    generator = begin_at_the_end()\n"
      "    await anext(generator)\n"
      "    await erlang.async_call('tell', 'runs')\n"
      "    await asyncio.sleep(3600)\n"
      "def free_port():\n"
      "    with socket.create_server(('127.0.0.1', 0)) as free:\n"
      "        return free.getsockname()[1]\n"
      "async def main_that_holds(port):\n"
      "    try:\n"
      "        with socket.create_server(('127.0.0.1', port)):\n"
      "            await erlang.async_call('tell', 'holds')\n"
      "            try:\n"
      "                await asyncio.sleep(3600)\n"
      "            finally:\n"
      "                await asyncio.sleep(0.2)  # as servers do for their clients\n"
      "    except OSError:\n"
      "        await erlang.async_call('tell', 'is taken')\n"
      "        raise\n"
      "async def fail():\n"
      "    raise ValueError('broken')\n">>.

init_per_testcase(_Case, Config) ->
    process_flag(trap_exit, true),
    ok = python_side:register_tell(),
    ok = py:exec(<<"events.clear(); cancelled.clear(); waiting.clear(); release.clear()">>),
    Config.

end_per_testcase(_Case, _Config) ->
    ok = py:exec(<<"release.set(); generator = task = refusing = None">>),
    lists:foreach(fun py:unregister_function/1, py:registered()).

start(Config, Options) ->
    {ok, Loop} = py_loop:start_link(Options#{loop => both_loops:kind(Config)}),
    Loop.

start_main(Config, Main) ->
    Loop = start(Config, #{main => {'__main__', Main, [], #{}}, stop_timeout => 300}),
    ?assertEqual(<<"runs">>, python_side:told()),
    Loop.

events() ->
    {ok, Events} = py:eval(<<"events">>),
    Events.

loops() ->
    {ok, _} = py:gc(),
    maps:get(loops, py:info()).

a_thousand_coroutines_of_as_many_callers_meet(Config) ->
    Loop = start(Config, #{}),
    ?assertEqual(
        lists:duplicate(1000, {ok, 1000}),
        in_processes:values(1000, fun(_) -> py_loop:call(Loop, '__main__', meet, [1000]) end)
    ),
    ok = py_loop:stop(Loop).

killing_half_of_the_callers_cancels_exactly_theirs(Config) ->
    Loop = start(Config, #{}),
    Count = 1000,
    Callers = [
        spawn_monitor(fun() ->
            exit(py_loop:call(Loop, '__main__', wait, [N, Count], #{}, infinity))
        end)
     || N <- lists:seq(1, Count)
    ],
    ?assertEqual(<<"all wait">>, python_side:told()),
    {Killed, Spared} = lists:partition(
        fun({N, _}) -> N rem 2 =:= 0 end, lists:enumerate(Callers)
    ),
    [exit(Pid, kill) || {_, {Pid, _}} <- Killed],
    Expected = [N || {N, _} <- Killed],
    eventually:equal({ok, Expected}, fun() -> py:eval(<<"sorted(cancelled)">>) end),
    %% No other call has been cancelled: the other calls end only now.
    {ok, 3} = py_loop:call(Loop, asyncio, sleep, [0, 3]),
    ?assertEqual({ok, Expected}, py:eval(<<"sorted(cancelled)">>)),
    ok = py_loop:stop(Loop),
    Reasons = [
        receive
            {'DOWN', Monitor, process, Pid, Reason} -> Reason
        end
     || {_, {Pid, Monitor}} <- Spared
    ],
    ?assertMatch([{error, _}], lists:usort(Reasons)).

calls_under_way_say_that_the_loop_is_gone(Config) ->
    %% All callers get the same error, whatever the end of the loop does to their tasks. But the
    %% caller of a task that other code cancels is told of the cancellation.
    Loop = start(Config, #{}),
    Callers = [
        spawn_monitor(fun() -> exit(py_loop:call(Loop, '__main__', wait, [N, 5])) end)
     || N <- lists:seq(1, 5)
    ],
    ?assertEqual(<<"all wait">>, python_side:told()),
    ?assertMatch(
        {error, {'CancelledError', _}}, py_loop:call(Loop, '__main__', cancel_itself, [])
    ),
    ok = py_loop:stop(Loop),
    ?assertEqual(lists:duplicate(5, {error, disconnected}), [death:reason(Caller, 20000) || Caller <- Callers]).

tasks_generators_and_the_executor_are_shut_down(Config) ->
    Loop = start_main(Config, main_with_company),
    ?assertEqual(ok, py_loop:stop(Loop, 10000)),
    [Main | Rest] = events(),
    ?assertEqual(<<"main">>, Main),
    ?assertEqual([<<"executor">>, <<"generator">>, <<"task">>], lists:sort(Rest)).

an_executor_that_hangs_does_not_hold_up_the_end(Config) ->
    Loop = start(Config, #{stop_timeout => 100}),
    {ok, Thread} = py_loop:call(Loop, '__main__', begin_work, []),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    ?assertNot(is_process_alive(Loop)),
    eventually:equal(false, fun() -> thread_exists(Thread) end),
    ?assertEqual([], events()).

everything_else_ends_though_a_task_refuses(Config) ->
    Loops = loops(),
    Loop = start_main(Config, main_with_bad_company),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    eventually:equal(Loops, fun loops/0),
    [Main | Rest] = events(),
    ?assertEqual(<<"main">>, Main),
    ?assertEqual([<<"executor">>, <<"generator">>, <<"task">>], lists:sort(Rest)).

%% Nobody stops this loop, so its own `stop_timeout' applies.
a_loop_that_ends_by_itself_waits_for_no_task_that_refuses(Config) ->
    Main = {'__main__', main_that_leaves_bad_company, [], #{}},
    Loop = start(Config, #{main => Main, stop_timeout => 100}),
    ?assertEqual(normal, receive {'EXIT', Loop, Why} -> Why after 20000 -> still_there end).

thread_exists(Id) ->
    filelib:is_dir("/proc/self/task/" ++ integer_to_list(Id)).

code_that_spins_is_interrupted_in_the_end(Config) ->
    Loops = loops(),
    Loop = start_main(Config, main_that_spins),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    eventually:equal(Loops, fun loops/0),
    %% The same for a loop whose process was killed.
    Other = start_main(Config, main_that_spins),
    death:kill(Other),
    eventually:equal(Loops, fun loops/0).

a_blocking_call_is_interrupted_in_the_end(Config) ->
    ok = python_side:register_hang(),
    Loops = loops(),
    Loop = start_main(Config, main_that_blocks),
    _ = python_side:hanging(),
    ?assertEqual({error, timeout}, py_loop:stop(Loop)),
    eventually:equal(Loops, fun loops/0),
    %% The same for a loop whose process was killed.
    Other = start_main(Config, main_that_blocks),
    _ = python_side:hanging(),
    death:kill(Other),
    eventually:equal(Loops, fun loops/0).

tasks_that_fail_at_the_end_are_reported(Config) ->
    Loop = start_main(Config, main_with_failing_task),
    ?assertEqual(ok, py_loop:stop(Loop, 10000)),
    ?assertEqual([<<"not like this">>], events()).

a_coroutine_that_comes_while_the_loop_ends_is_not_begun(Config) ->
    %% Nothing would be left to end the new coroutine.
    Loop = start_main(Config, main_with_lingering_task),
    {_, Stopped} = spawn_monitor(fun() -> exit(py_loop:stop(Loop, 20000)) end),
    ?assertEqual(<<"lingers">>, python_side:told()),
    ?assertEqual({error, disconnected}, py_loop:call(Loop, '__main__', begin_work, [])),
    ok = py:exec(<<"release.set()">>),
    receive
        {'DOWN', Stopped, process, _, Result} -> ?assertEqual(ok, Result)
    end,
    ?assertEqual([], events()).

%% A server's task for a connection that was accepted at the last moment can begin so late.
a_task_that_begins_while_the_loop_ends_is_cancelled_too(Config) ->
    Loop = start_main(Config, main_with_late_task),
    ?assertEqual(ok, py_loop:stop(Loop, 20000)),
    ?assertEqual([<<"task">>], events()).

a_crash_is_logged_with_its_traceback(Config) ->
    ok = log_to_test:start(),
    try
        crash(Config)
    after
        log_to_test:stop()
    end.

crash(CaseConfig) ->
    Loop = start(CaseConfig, #{main => {'__main__', fail, [], #{}}}),
    receive
        {'EXIT', Loop, Reason} ->
            ?assertEqual({main_failed, {'ValueError', <<"broken">>}}, Reason)
    end,
    #{level := Level, text := Text} = log_to_test:next(),
    ?assertEqual(error, Level),
    [
        ?assertNotEqual({Part, nomatch}, {Part, binary:match(Text, Part)})
     || Part <- [<<"Traceback">>, <<"in fail">>, <<"ValueError: broken">>]
    ].

a_restarted_loop_finds_free_what_a_killed_one_held(Config) ->
    Loops = loops(),
    {ok, Port} = py:call('__main__', free_port, []),
    Spec = py_loop:child_spec(#{
        name => holder,
        loop => both_loops:kind(Config),
        main => {'__main__', main_that_holds, [Port], #{}}
    }),
    {ok, Supervisor} = own_supervisor:start_link([Spec]),
    ?assertEqual(<<"holds">>, python_side:told()),
    lists:foreach(
        fun(_) ->
            death:kill(holder),
            ?assertEqual(<<"holds">>, python_side:told())
        end,
        lists:seq(1, 5)
    ),
    ok = gen_server:stop(Supervisor),
    eventually:equal(Loops, fun loops/0).

the_application_stops_and_starts_ten_times(Config) ->
    Before = {loops(), threads()},
    lists:foreach(
        fun(_) ->
            Loop = start_main(Config, main_with_company),
            Caller = spawn_monitor(fun() ->
                exit(py_loop:call(Loop, asyncio, sleep, [3600], #{}, infinity))
            end),
            {ok, [4.0]} = py:async_gather([{math, sqrt, [16]}]),
            ok = application:stop(erlang_python),
            ?assertNot(is_process_alive(Loop)),
            {Pid, Monitor} = Caller,
            receive
                {'DOWN', Monitor, process, Pid, Result} -> ?assertMatch({error, _}, Result)
            end,
            ok = application:start(erlang_python),
            ok = python_side:register_tell(),
            ok = py:exec(<<"release.clear()">>)
        end,
        lists:seq(1, 10)
    ),
    ok = py:exec(<<"generator = task = None">>),
    eventually:equal(Before, fun() -> {loops(), threads()} end).

%% All threads except those of the pool, which grows and shrinks.
threads() ->
    {ok, Count} = py:eval(<<"len(__import__('os').listdir('/proc/self/task'))">>),
    #{contexts := #{total := Contexts}} = py:info(),
    Count - Contexts.
