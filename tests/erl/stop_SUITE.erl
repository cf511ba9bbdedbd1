%% SPDX-License-Identifier: Apache-2.0
%% The application stops while contexts run code: callers get an error at once, and the code is
%% interrupted. Code that ignores its interruption is reported and left behind.
-module(stop_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

%% All threads together have three seconds to stop.
-define(STOPS_WITHIN, 10000).

-define(MAX_CONTEXTS, 4).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    Options = #{contexts => 2, max_contexts => ?MAX_CONTEXTS},
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    [{options, maps:keys(Options)} | Config].

end_per_suite(Config) ->
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        proplists:get_value(options, Config)
    ).

init_per_testcase(_Case, Config) ->
    Left = context_threads(),
    start(),
    log_to_test:start(),
    [{left, Left} | Config].

end_per_testcase(_Case, _Config) ->
    log_to_test:stop(),
    _ = application:stop(erlang_python),
    mailbox:assert_empty().

start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = python_side:register_tell(),
    ok = py:register_function(hang, fun(_) ->
        receive
            never -> ok
        end
    end),
    ok = py:exec(<<
        "import sys, threading, time\n"
        "def spin():\n"
        "    erlang.call('tell', 'running')\n"
        "    while True: pass\n"
        "def spin_and_clean_up():\n"
        "    try:\n"
        "        spin()\n"
        "    finally:\n"
        "        erlang.call('tell', 'cleanup')\n"
        "def hang():\n"
        "    erlang.call('tell', 'running')\n"
        "    erlang.call('hang')\n"
        %% Sleeps the whole time, even when interrupted.
        "def sleep(seconds):\n"
        "    end = time.monotonic() + seconds\n"
        "    interrupted = None\n"
        "    try:\n"
        "        erlang.call('tell', 'running')\n"
        "    except erlang.Interrupted as error:\n"
        "        interrupted = error\n"
        "    while (left := end - time.monotonic()) > 0:\n"
        "        try:\n"
        "            time.sleep(left)\n"
        "        except erlang.Interrupted as error:\n"
        "            interrupted = error\n"
        "    if interrupted:\n"
        "        raise interrupted\n"
        "def survive(seconds):\n"
        "    try:\n"
        "        sleep(seconds)\n"
        "    except BaseException as first:\n"
        "        outcomes.append(type(first).__name__)\n"
        "    try:\n"
        "        erlang.call('tell', 'survived')\n"
        "    except BaseException as second:\n"
        "        outcomes.append(type(second).__name__)\n"
    >>).

%% Starts a caller and waits until its code runs.
running(Function, Args) ->
    running(fun() -> py:call('__main__', Function, Args, #{}, infinity) end).

running(Request) ->
    Caller = spawn_monitor(fun() -> exit({outcome, Request()}) end),
    ?assertEqual(<<"running">>, told()),
    Caller.

told() ->
    python_side:told(10000).

outcome(Caller) ->
    death:reason(Caller, 10000).

%% Returns the duration in milliseconds.
stop() ->
    {Time, ok} = timer:tc(application, stop, [erlang_python]),
    Time div 1000.

%% Only the threads from before the start of the application are left.
no_context_threads(CaseConfig) ->
    eventually:true(fun() -> context_threads() =< proplists:get_value(left, CaseConfig) end).

context_threads() ->
    Threads = filelib:wildcard("/proc/self/task/*/comm"),
    length([Name || Name <- Threads, file:read_file(Name) =:= {ok, <<"py-context\n">>}]).

endless_code_is_interrupted_and_cleans_up(Config) ->
    Callers = [running(spin_and_clean_up, []) || _ <- lists:seq(1, ?MAX_CONTEXTS)],
    stop(),
    [?assertEqual({outcome, {error, disconnected}}, outcome(Caller)) || Caller <- Callers],
    [?assertEqual(<<"cleanup">>, told()) || _ <- Callers],
    no_context_threads(Config).

callers_of_all_kinds_hear_at_once(Config) ->
    Pooled = running(sleep, [6]),
    Held = running(fun() ->
        py_context:with(fun() -> py:exec(<<"import __main__; __main__.sleep(6)">>) end)
    end),
    Async = running(fun() ->
        py:await(py:call_async('__main__', sleep, [6]), infinity)
    end),
    Waiting = running(hang, []),
    Queued = [
        spawn_monitor(fun() -> exit({outcome, py:eval(<<"1">>, #{}, infinity)}) end)
     || _ <- [1, 2]
    ],
    eventually:equal(2, fun() -> maps:get(waiting, maps:get(contexts, py:info())) end),
    Stopping = spawn_monitor(fun() -> exit(stop()) end),
    [
        ?assertEqual({outcome, {error, disconnected}}, outcome(Caller))
     || Caller <- [Pooled, Held, Async, Waiting | Queued]
    ],
    %% The stop still waits for the sleeping contexts.
    ?assert(is_process_alive(element(1, Stopping))),
    ?assert(outcome(Stopping) < ?STOPS_WITHIN),
    ?assertMatch(#{text := <<"3 Python contexts", _/binary>>}, log_to_test:next()),
    no_context_threads(Config).

code_left_behind_does_not_reach_the_next_start(Config) ->
    ok = py:exec(<<"outcomes = []">>),
    Caller = running(survive, [4.5]),
    stop(),
    ?assertEqual({outcome, {error, disconnected}}, outcome(Caller)),
    ?assertMatch(#{text := <<"1 Python contexts", _/binary>>}, log_to_test:next()),
    start(),
    eventually:equal({ok, [<<"Interrupted">>, <<"Disconnected">>]}, fun() ->
        py:eval(<<"outcomes">>)
    end),
    stop(),
    no_context_threads(Config),
    mailbox:assert_empty().

%% The thread that interrupts and reports does so only after the next start.
code_left_behind_is_reported_once(_Config) ->
    ok = py:exec(<<
        "current_frames, started = sys._current_frames, threading.Event()\n"
        "sys._current_frames = lambda: started.wait(20) and current_frames()\n"
    >>),
    Caller = running(sleep, [3.5]),
    stop(),
    ?assertEqual({outcome, {error, disconnected}}, outcome(Caller)),
    ?assertMatch(#{text := <<"1 Python contexts", _/binary>>}, log_to_test:next()),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<"sys._current_frames = current_frames; started.set()">>),
    %% The thread works in order.
    ?assertEqual({error, timeout}, py:eval(<<"[n for n in iter(int, 1)]">>, #{}, 20)),
    eventually:equal(0, fun() -> maps:get(stale, maps:get(contexts, py:info())) end),
    _ = sys:get_state(py_context_threads),
    mailbox:assert_empty().

code_that_was_given_up_is_not_waited_for(_Config) ->
    ?assertEqual({error, timeout}, py:call(time, sleep, [6], #{}, 20)),
    eventually:equal(1, fun() -> maps:get(given_up, maps:get(contexts, py:info())) end),
    ?assertMatch(#{text := <<"The caller of Python code timed out or died", _/binary>>}, log_to_test:next()),
    ?assert(stop() < 3000).

a_held_context_is_replaced_after_a_restart(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    stop(),
    ?assertEqual({error, not_running}, py:eval(<<"mine">>)),
    start(),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"mine">>)),
    ok = py:release_context().

what_a_killed_pool_has_left_is_stopped(_Config) ->
    Caller = running(spin_and_clean_up, []),
    death:kill(py_context_pool),
    eventually:true(fun() -> is_pid(whereis(py_context_pool)) end),
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>)),
    stop(),
    ?assertEqual({outcome, {error, disconnected}}, outcome(Caller)),
    ?assertEqual(<<"cleanup">>, told()).

a_killed_process_of_threads_stops_them_all_the_same(_Config) ->
    Caller = running(spin_and_clean_up, []),
    death:kill(py_context_threads),
    eventually:true(fun() -> is_pid(whereis(py_context_threads)) end),
    stop(),
    ?assertEqual({outcome, {error, disconnected}}, outcome(Caller)),
    ?assertEqual(<<"cleanup">>, told()).

a_killed_top_supervisor_stops_them(_Config) ->
    Spinning = running(spin, []),
    Hanging = running(hang, []),
    death:kill(erlang_python_sup),
    ?assertEqual({outcome, {error, disconnected}}, outcome(Spinning)),
    %% Handlers and contexts end in any order, so the code may first get the end of its call.
    case outcome(Hanging) of
        {outcome, {error, disconnected}} -> ok;
        {outcome, {error, {'Disconnected', _}}} -> ok
    end,
    eventually:equal(false, fun() ->
        lists:keymember(erlang_python, 1, application:which_applications())
    end).

ten_restarts_under_load_leave_nothing(Config) ->
    restart_under_load(Config),
    Before = footprint(),
    [restart_under_load(Config) || _ <- lists:seq(1, 10)],
    eventually:equal([], fun() -> grown(Before, footprint()) end).

restart_under_load(CaseConfig) ->
    Callers = [
        running(spin, []),
        running(hang, []),
        running(fun() ->
            ok = py:context(),
            py:eval(<<"(erlang.call('tell', 'running'), erlang.call('hang'))">>, #{}, infinity)
        end),
        running(spin_and_clean_up, [])
    ],
    stop(),
    [?assertEqual({outcome, {error, disconnected}}, outcome(Caller)) || Caller <- Callers],
    ?assertEqual(<<"cleanup">>, told()),
    no_context_threads(CaseConfig),
    start().

footprint() ->
    {ok, [Descriptors, Threads]} = py:eval(
        <<"[len(__import__('os').listdir(f'/proc/self/{what}')) for what in ('fd', 'task')]">>
    ),
    #{
        descriptors => Descriptors,
        threads => Threads,
        processes => erlang:system_info(process_count),
        channels => maps:get(channels, py_nif:stats())
    }.

grown(Before, After) ->
    [{Key, Value} || {Key, Value} <- maps:to_list(After), Value > maps:get(Key, Before) + 1].

%% The last case: its thread stays for the rest of the run.
code_that_can_not_be_interrupted_is_reported(_Config) ->
    Callers = [running(sleep, [1000]), running(spin, [])],
    ?assert(stop() < ?STOPS_WITHIN),
    [?assertEqual({outcome, {error, disconnected}}, outcome(Caller)) || Caller <- Callers],
    #{level := Level, text := Text} = log_to_test:next(),
    ?assertEqual(warning, Level),
    ?assertMatch(<<"1 Python contexts did not stop", _/binary>>, Text),
    start(),
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>)).
