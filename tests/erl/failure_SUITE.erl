%% SPDX-License-Identifier: Apache-2.0
%% Processes of the application die while calls are in progress. Each call ends, and the application
%% recovers.
-module(failure_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

%% In milliseconds: each call must end within this time after a process died.
-define(LIMIT, 20000).

init_per_suite(Config) ->
    %% Supervisors report every death in this suite.
    ok = logger:set_primary_config(level, critical),
    Config.

end_per_suite(_Config) ->
    logger:set_primary_config(level, notice).

init_per_testcase(_Case, Config) ->
    start(),
    Config.

end_per_testcase(_Case, _Config) ->
    application:stop(erlang_python).

start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(echo, fun([X]) -> X end),
    ok = py:register_function(pause, fun([Ms, X]) ->
        receive
        after Ms -> X
        end
    end),
    ok = py:exec(<<
        "import asyncio, threading\n"
        "def outcome(f, *args):\n"
        "    try:\n"
        "        return f(*args)\n"
        "    except erlang.Error as error:\n"
        "        return type(error).__name__\n"
        "\n"
        "def calls(n):\n"
        "    return [outcome(erlang.call, 'pause', 1, i) for i in range(n)]\n"
        "\n"
        "def async_calls(n):\n"
        "    async def one(i):\n"
        "        try:\n"
        "            return await erlang.async_call('pause', 20, i)\n"
        "        except erlang.Error as error:\n"
        "            return type(error).__name__\n"
        "    async def main():\n"
        "        return await asyncio.gather(*[one(i) for i in range(n)])\n"
        "    return asyncio.run(main())\n"
        "\n"
        %% Each of n threads keeps its channel until all threads have called: n channels are in use.
        "def thread_calls(n):\n"
        "    results = [None] * n\n"
        "    called = threading.Barrier(n)\n"
        "    def one(i):\n"
        "        try:\n"
        "            results[i] = outcome(erlang.call, 'pause', 5, i)\n"
        "        finally:\n"
        "            called.wait()\n"
        "    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]\n"
        "    for t in threads: t.start()\n"
        "    for t in threads: t.join()\n"
        "    return results\n"
    >>).

killing_any_process_ends_calls_and_heals(_Config) ->
    Victims = [
        py_function_registry,
        py_function_limiter,
        py_coordinator,
        py_handler_sup,
        py_context_pool,
        py_loop_registry,
        py_loop_sup
    ],
    [
        begin
            Callers = callers(),
            %% The calls are in progress, and far from their ends.
            eventually:true(fun() -> maps:get(calls, py_nif:stats()) > 0 end),
            Pid = whereis(Victim),
            death:kill(Pid),
            [assert_outcomes(Victim, ended(Caller)) || Caller <- Callers],
            eventually:equal({Victim, back}, fun() ->
                Now = whereis(Victim),
                {Victim, if is_pid(Now), Now =/= Pid -> back; true -> Now end}
            end),
            heals(Victim)
        end
     || Victim <- Victims, _ <- [1, 2, 3]
    ].

callers() ->
    [
        spawn_monitor(fun() -> exit(py:call('__main__', Function, [N], #{}, ?LIMIT)) end)
     || {Function, N} <- [{calls, 30}, {async_calls, 200}, {thread_calls, 20}, {calls, 30}]
    ].

%% Each call returned its own value or raised Disconnected.
assert_outcomes(_Victim, {error, disconnected}) ->
    ok;
assert_outcomes(Victim, {ok, Outcomes}) ->
    [
        ?assert(
            Outcome =:= N orelse Outcome =:= <<"Disconnected">>, {Victim, N, Outcome}
        )
     || {N, Outcome} <- lists:zip(lists:seq(0, length(Outcomes) - 1), Outcomes)
    ].

ended(Caller) ->
    death:reason(Caller, ?LIMIT).

%% Calls work again soon. Each attempt ends by itself.
heals(Victim) ->
    eventually:equal({Victim, {ok, [0, 1, 2]}}, fun() ->
        {Victim, py:call('__main__', calls, [3], #{}, 5000)}
    end),
    ?assertEqual({ok, lists:seq(0, 49)}, py:call('__main__', async_calls, [50])),
    ?assertEqual({ok, lists:seq(0, 9)}, py:call('__main__', thread_calls, [10])).

killing_handlers_again_and_again(_Config) ->
    Callers = callers(),
    Killer = spawn_link(fun kill_handlers/0),
    [assert_outcomes(handlers, ended(Caller)) || Caller <- Callers],
    unlink(Killer),
    death:kill(Killer),
    heals(handlers).

kill_handlers() ->
    [exit(Pid, kill) || {_, Pid, _, _} <- supervisor:which_children(py_handler_sup), is_pid(Pid)],
    receive
    after 5 -> kill_handlers()
    end.

a_handler_that_dies_at_once_is_no_loss(_Config) ->
    %% The handler dies before it attaches itself, or just after. The application must survive both.
    Channels = maps:get(pooled_channels, py_nif:stats()),
    Test = self(),
    Tracer = spawn_link(fun() ->
        erlang:trace(whereis(py_handler_sup), true, [procs, set_on_spawn]),
        Test ! tracing,
        kill_first_spawned()
    end),
    receive
        tracing -> ok
    end,
    %% More threads than the pool has channels: some threads open new channels.
    Threads = Channels + 5,
    {ok, Outcomes} = py:call('__main__', thread_calls, [Threads]),
    unlink(Tracer),
    death:kill(Tracer),
    ?assertEqual(Threads, length(Outcomes)),
    assert_outcomes(handler, {ok, Outcomes}),
    heals(handler).

kill_first_spawned() ->
    receive
        {trace, _Supervisor, spawn, Pid, _} -> exit(Pid, kill);
        _ -> kill_first_spawned()
    end,
    receive
    after infinity -> ok
    end.

a_killed_supervisor_of_loops_comes_back(_Config) ->
    with_loops(fun() ->
        Old = whereis(failure_loop),
        death:kill(py_loop_sup),
        eventually:true(fun() -> not lists:member(whereis(failure_loop), [undefined, Old]) end),
        eventually:equal({ok, 1}, fun() -> py_loop:call(failure_loop, asyncio, sleep, [0, 1]) end),
        eventually:equal(2, fun() -> length(py_loop_registry:all()) end)
    end).

a_killed_top_supervisor_leaves_room_for_a_new_start(_Config) ->
    with_loops(fun() ->
        kill_application(),
        start(),
        heals(top),
        ?assertEqual({ok, 1}, py_loop:call(failure_loop, asyncio, sleep, [0, 1]))
    end).

a_killed_top_supervisor_leaves_no_threads(_Config) ->
    with_loops(fun() ->
        heals(before),
        Before = threads(),
        kill_application(),
        start(),
        heals(top),
        eventually:true(fun() -> threads() =< Before end)
    end).

kill_application() ->
    death:kill(erlang_python_sup),
    eventually:equal(false, fun() ->
        lists:keymember(erlang_python, 1, application:which_applications())
    end).

threads() ->
    {ok, Names} = file:list_dir("/proc/self/task"),
    length(Names).

with_loops(Fun) ->
    ok = application:stop(erlang_python),
    ok = application:set_env(erlang_python, loops, [#{name => failure_loop}, #{}]),
    try
        start(),
        Fun()
    after
        application:unset_env(erlang_python, loops)
    end.

the_application_restarts_ten_times(_Config) ->
    [
        begin
            ok = application:stop(erlang_python),
            start(),
            heals(N)
        end
     || N <- lists:seq(1, 10)
    ].

stopping_ends_calls_of_all_kinds(_Config) ->
    ok = python_side:register_hang(),
    ok = py:exec(<<
        "def hang_in_threads(n):\n"
        "    results = []\n"
        "    def one():\n"
        "        results.append(outcome(erlang.call, 'hang'))\n"
        "    threads = [threading.Thread(target=one) for _ in range(n)]\n"
        "    for t in threads: t.start()\n"
        "    for t in threads: t.join()\n"
        "    return results\n"
        "def hang_async(n):\n"
        "    async def one():\n"
        "        try:\n"
        "            await erlang.async_call('hang')\n"
        "        except erlang.Error as error:\n"
        "            return type(error).__name__\n"
        "    async def main():\n"
        "        return await asyncio.gather(*[one() for _ in range(n)])\n"
        "    return asyncio.run(main())\n"
    >>),
    Callers = [
        spawn_monitor(fun() -> exit(py:call('__main__', Function, [5], #{}, ?LIMIT)) end)
     || Function <- [hang_in_threads, hang_async]
    ],
    _ = [python_side:hanging() || _ <- lists:seq(1, 10)],
    ok = application:stop(erlang_python),
    [
        case ended(Caller) of
            {ok, Outcomes} -> ?assertEqual(lists:duplicate(5, <<"Disconnected">>), Outcomes);
            Error -> ?assertEqual({error, disconnected}, Error)
        end
     || Caller <- Callers
    ].

without_the_application_calls_say_so(_Config) ->
    ok = application:stop(erlang_python),
    ?assertEqual({error, not_running}, py:eval(<<"1">>)),
    %% A separate process: versions of OTP differ in whether an 'EXIT' message arrives.
    Start = fun(_) ->
        process_flag(trap_exit, true),
        py_loop:start_link(#{})
    end,
    ?assertEqual([{error, not_running}], in_processes:values(1, Start)),
    ?assertExit({noproc, _}, py:register_function(name, fun(_) -> ok end)),
    mailbox:assert_empty().

a_second_start_may_change_the_channel(_Config) ->
    ok = application:stop(erlang_python),
    ok = application:set_env(erlang_python, channel, pipe),
    ok = application:set_env(erlang_python, spin_us, 0),
    try
        start(),
        heals(pipe)
    after
        application:unset_env(erlang_python, channel),
        application:unset_env(erlang_python, spin_us)
    end.

nothing_piles_up(_Config) ->
    heals(warm_up),
    Before = footprint(),
    [heals(N) || N <- lists:seq(1, 20)],
    eventually:equal([], fun() -> grown(Before, footprint()) end).

footprint() ->
    {ok, Descriptors} = py:eval(<<"len(__import__('os').listdir('/proc/self/fd'))">>),
    {ok, Threads} = py:eval(<<"len(__import__('os').listdir('/proc/self/task'))">>),
    #{
        descriptors => Descriptors,
        threads => Threads,
        processes => processes(),
        atoms => erlang:system_info(atom_count),
        channels => maps:get(channels, py_nif:stats())
    }.

grown(Before, After) ->
    [Growth || {Key, Now} <- maps:to_list(After), Growth <- growth(Key, maps:get(Key, Before), Now)].

growth(processes, Before, Now) when length(Now) > length(Before) + 3 ->
    [{processes, length(Before), [described(Pid) || Pid <- Now -- Before]}];
growth(Key, Before, Now) when is_integer(Now), Now > Before + 3 ->
    [{Key, Before, Now}];
growth(_Key, _Before, _Now) ->
    [].

described(Pid) ->
    {proc_lib:translate_initial_call(Pid), process_info(Pid, [registered_name, current_function])}.
