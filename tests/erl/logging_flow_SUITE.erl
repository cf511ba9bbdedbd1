%% SPDX-License-Identifier: Apache-2.0
%% Python's lines on their way to Erlang's logger, from start to stop: bounded, and each one logged
%% or counted as dropped.
-module(logging_flow_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_logging:configure(Config).

end_per_suite(Config) ->
    python_logging:restore(Config).

init_per_testcase(_Case, Config) ->
    python_logging:start(source(), Config).

end_per_testcase(_Case, _Config) ->
    python_logging:stop().

source() ->
    <<"import logging, os, subprocess, sys, threading, time\n"
      "\n"
      "def forked_child_has_its_own():\n"
      "    child = os.fork()\n"
      "    if child == 0:\n"
      "        alone = sys.stdout is sys.__stdout__ and not logging.getLogger().handlers\n"
      "        os._exit(0 if alone else 1)\n"
      "    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n">>.

%% While no line is fetched, Python goes on, no mailbox grows, and each line is logged or counted as
%% dropped.
a_flood_is_bounded_and_counted(_Config) ->
    Lines = 40000,
    ok = sys:suspend(py_logger),
    {ok, _} = py:eval(<<"[print('flood', i) for i in range(n)] and None">>, #{n => Lines}),
    {message_queue_len, Queued} = process_info(whereis(py_logger), message_queue_len),
    ?assert(Queued =< 1),
    ok = sys:resume(py_logger),
    ok = py_logger:flush(30000),
    Seen = length([Text || <<"flood", _/binary>> = Text <- log_probe:texts(<<"stdout">>)]),
    Dropped = dropped(),
    ct:pal("~b seen, ~b dropped", [Seen, Dropped]),
    ?assertEqual(Lines, Seen + Dropped),
    ?assert(Seen >= 10000),
    ?assert(Dropped > 0).

dropped() ->
    receive
        {log_probe, #{level := warning, meta := #{py_dropped := Count}}} -> Count + dropped()
    after 0 -> 0
    end.

a_logger_that_dies_amid_a_batch_has_dropped_the_rest(_Config) ->
    Deadly = fun
        (#{msg := {string, <<"line 4">>}}, _) -> exit(self(), kill);
        (_, _) -> ignore
    end,
    ok = logger:add_handler_filter(log_probe, deadly, {Deadly, none}),
    ok = sys:suspend(py_logger),
    ok = py:exec(<<"for i in range(10): print('line', i)">>),
    Monitor = monitor(process, py_logger),
    ok = sys:resume(py_logger),
    receive
        {'DOWN', Monitor, process, _, killed} -> ok
    after 10000 -> error(not_killed)
    end,
    eventually:true(fun() -> is_pid(whereis(py_logger)) end),
    ok = py:exec(<<"print('line', 10)">>),
    ok = py_logger:flush(10000),
    Logged = [<<"line ", (integer_to_binary(I))/binary>> || I <- [0, 1, 2, 3, 10]],
    ?assertEqual(Logged, log_probe:texts(<<"stdout">>)),
    ?assertEqual(6, dropped()).

%% The lines that the killed logger had taken, but not logged, are dropped and counted. All other
%% lines are logged once and in order.
a_killed_logger_counts_what_it_loses(_Config) ->
    %% The logger's thread, and the threads that earlier cases left in uninterruptible code.
    Before = threads_outside_the_pool(),
    Lines = 3000,
    Printing = spawn_monitor(fun() ->
        {ok, _} = py:eval(
            <<"[(print('line', i), time.sleep(0.0001)) for i in range(n)] and None">>, #{n => Lines}
        )
    end),
    Kills = kill_until_done(Printing, 0),
    ok = py_logger:flush(30000),
    Expected = [<<"line ", (integer_to_binary(I))/binary>> || I <- lists:seq(0, Lines - 1)],
    Seen = log_probe:texts(<<"stdout">>),
    Missing = Expected -- Seen,
    ?assertEqual(Expected -- Missing, Seen),
    %% A logger that dies right after it has logged a line has not counted this line.
    Dropped = dropped(),
    ct:pal("~b kills, ~b missing, ~b dropped", [Kills, length(Missing), Dropped]),
    ?assert(Dropped >= length(Missing)),
    ?assert(Dropped =< length(Missing) + Kills),
    %% The threads of the killed loggers have ended.
    eventually:true(fun() -> threads_outside_the_pool() =< Before end).

threads_outside_the_pool() ->
    maps:get(contexts, py_nif:stats()) - maps:get(total, py_context_pool:info()).

kill_until_done({Pid, Monitor} = Printing, Kills) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} ->
            normal = Reason,
            Kills
    after 50 ->
        death:kill(py_logger),
        eventually:true(fun() -> is_pid(whereis(py_logger)) end),
        kill_until_done(Printing, Kills + 1)
    end.

flush_waits_for_unfinished_lines(_Config) ->
    ok = py:exec(<<"print('no newline', end='')">>),
    ok = py_logger:flush(10000),
    ?assertEqual([<<"no newline">>], log_probe:texts(<<"stdout">>)),
    ok = py:exec(<<"print(' at all')">>),
    _ = log_probe:expect(<<"stdout">>, <<" at all">>).

subprocesses_and_forks_write_past_it(_Config) ->
    ?assertEqual(
        {ok, 0},
        py:eval(<<"subprocess.run(['true'], stdout=sys.stdout, stderr=sys.stderr).returncode">>)
    ),
    ?assertEqual({ok, 0}, py:call('__main__', forked_child_has_its_own, [])),
    ok = py:exec(<<"print('still here')">>),
    _ = log_probe:expect(<<"stdout">>, <<"still here">>).

stopping_logs_the_rest_and_restores_the_streams(_Config) ->
    ok = py:exec(<<
        "kept = sys.stdout\n"
        "print('unfinished', end='')"
    >>),
    ok = application:stop(erlang_python),
    ?assertEqual([<<"unfinished">>], log_probe:texts(<<"stdout">>)),
    ok = application:set_env(erlang_python, python_logging, stdio),
    try
        {ok, _} = application:ensure_all_started(erlang_python),
        ?assertEqual({ok, true}, py:eval(<<"sys.stdout is sys.__stdout__">>)),
        ?assertEqual({ok, true}, py:eval(<<"sys.stderr is sys.__stderr__">>)),
        ?assertEqual({ok, []}, py:eval(<<"logging.getLogger().handlers">>)),
        ?assertEqual({ok, 30}, py:eval(<<"logging.getLogger().level">>)),
        ?assertEqual({ok, true}, py:eval(<<"threading.excepthook is threading.__excepthook__">>)),
        %% A holder of the stream now writes to the node's output.
        {ok, _} = py:eval(<<"kept.write('') or kept.flush()">>)
    after
        application:set_env(erlang_python, python_logging, logger)
    end,
    ok = application:stop(erlang_python),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<"print('again')">>),
    _ = log_probe:expect(<<"stdout">>, <<"again">>).

the_default_handler_shows_it(_Config) ->
    Shown = fun() ->
        {ok, #{filters := Filters}} = logger:get_handler_config(default),
        proplists:is_defined(erlang_python, Filters)
    end,
    ?assert(Shown()),
    ok = application:stop(erlang_python),
    ?assertNot(Shown()).

stdio_leaves_everything_alone(_Config) ->
    ok = application:stop(erlang_python),
    ok = application:unset_env(erlang_python, python_logging),
    try
        {ok, _} = application:ensure_all_started(erlang_python),
        ?assertEqual(undefined, whereis(py_logger)),
        ?assertEqual({error, not_running}, py_logger:flush(1000)),
        ?assertEqual({ok, true}, py:eval(<<"sys.stdout is sys.__stdout__">>))
    after
        application:set_env(erlang_python, python_logging, logger)
    end.
