%% SPDX-License-Identifier: Apache-2.0
%% Python programs beside the node, under supervisors: start, restart, stop.
-module(process_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    start(true),
    Config.

end_per_suite(_Config) ->
    ok = application:stop(erlang_python),
    ok = application:unset_env(erlang_python, python_processes).

init_per_testcase(_Case, Config) ->
    process_flag(trap_exit, true),
    ok = python_side:register_tell(),
    Config.

start(Listens) ->
    _ = application:stop(erlang_python),
    ok = application:set_env(erlang_python, python_processes, Listens),
    {ok, _} = application:ensure_all_started(erlang_python).

program(Code) ->
    #{args => ["-c", "import erlang, os, signal, sys, time\n" ++ Code]}.

%% Tells its process id of the operating system, then waits.
waiting() ->
    program("erlang.call('tell', os.getpid())\ntime.sleep(1000)").

is_running(OsPid) ->
    os:cmd("kill -0 " ++ integer_to_list(OsPid) ++ " 2>/dev/null && printf yes") =:= "yes".

a_program_calls_the_node_and_its_end_is_seen(_Config) ->
    {ok, Process} = py_process:start_link(program("erlang.call('tell', sys.argv[1:])")),
    ?assertEqual([], python_side:told()),
    receive
        {'EXIT', Process, Reason} -> ?assertEqual(normal, Reason)
    end.

a_program_gets_arguments_variables_and_a_folder(Config) ->
    Folder = proplists:get_value(priv_dir, Config),
    Tell = program("erlang.call('tell', (sys.argv[1:], os.environ['GREETING'], os.getcwd()))"),
    #{args := Args} = Tell,
    {ok, Process} = py_process:start_link(Tell#{
        args := Args ++ ["one", <<"zwei">>], env => [{"GREETING", "hello"}], cd => Folder
    }),
    {[<<"one">>, <<"zwei">>], <<"hello">>, Seen} = python_side:told(),
    ?assertEqual(filename:basename(Folder), binary_to_list(filename:basename(Seen))),
    receive
        {'EXIT', Process, normal} -> ok
    end.

the_exit_code_of_a_program_is_the_reason(_Config) ->
    {ok, Process} = py_process:start_link(program("sys.exit(3)")),
    receive
        {'EXIT', Process, Reason} -> ?assertEqual({exit_code, 3}, Reason)
    end.

a_supervisor_restarts_a_killed_program(_Config) ->
    {ok, Supervisor} = own_supervisor:start_link([py_process:child_spec(waiting())]),
    First = python_side:told(),
    _ = os:cmd("kill -KILL " ++ integer_to_list(First)),
    Second = python_side:told(),
    ?assert(Second =/= First),
    [{py_process, Process, worker, [py_process]}] = supervisor:which_children(Supervisor),
    ?assertEqual(Second, py_process:os_pid(Process)),
    stop(Supervisor),
    ?assertNot(is_running(Second)).

a_program_ends_gracefully_when_its_supervisor_stops(_Config) ->
    Code =
        "def leave(*_):\n"
        "    erlang.call('tell', 'leaving')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "erlang.call('tell', os.getpid())\n"
        "time.sleep(1000)",
    {ok, Supervisor} = own_supervisor:start_link([py_process:child_spec(program(Code))]),
    OsPid = python_side:told(),
    stop(Supervisor),
    ?assertEqual(<<"leaving">>, python_side:told()),
    ?assertNot(is_running(OsPid)).

a_program_that_ignores_its_stop_is_killed(_Config) ->
    Code =
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "erlang.call('tell', os.getpid())\n"
        "time.sleep(1000)",
    Options = (program(Code))#{name => stubborn, stop_timeout => 100},
    {ok, Supervisor} = own_supervisor:start_link([py_process:child_spec(Options)]),
    OsPid = python_side:told(),
    ?assertEqual(OsPid, py_process:os_pid(stubborn)),
    stop(Supervisor),
    ?assertNot(is_running(OsPid)).

the_calls_of_a_killed_program_are_stopped(_Config) ->
    ok = python_side:register_hang(),
    Hang = program("erlang.call('hang')"),
    {ok, Process} = py_process:start_link(Hang),
    Monitor = monitor(process, python_side:hanging()),
    _ = os:cmd("kill -KILL " ++ integer_to_list(py_process:os_pid(Process))),
    receive
        {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(shutdown, Reason)
    end,
    receive
        {'EXIT', Process, _} -> ok
    end.

bad_options_are_refused(_Config) ->
    lists:foreach(
        fun({Key, Value}) ->
            Options = maps:put(Key, Value, #{args => []}),
            ?assertMatch({error, {bad_option, Key, _, _}}, py_process:start_link(Options)),
            ?assertError({bad_option, Key, _, _}, py_process:child_spec(Options))
        end,
        [
            {args, "text" ++ [1 bsl 30]},
            {args, none},
            {name, "text"},
            {env, [name]},
            {cd, 1},
            {stop_timeout, -1},
            {no_such_option, true}
        ]
    ),
    ?assertMatch({error, {bad_option, args, _, _}}, py_process:start_link(#{})),
    ?assertMatch({error, {bad_option, options, _, _}}, py_process:start_link([])).

a_missing_interpreter_is_an_error(_Config) ->
    Options = (waiting())#{python => "no_such_python"},
    ?assertMatch({error, {not_started, "no_such_python", enoent}}, py_process:start_link(Options)).

without_the_socket_no_program_starts(_Config) ->
    start(false),
    try
        ?assertEqual(none, py_process_listener:path()),
        ?assertEqual({error, no_socket}, py_process:start_link(waiting()))
    after
        start(true)
    end.

a_restart_of_the_listener_keeps_connections_and_takes_new_ones(_Config) ->
    Code =
        "erlang.call('tell', 1)\n"
        "sys.stdout.flush()\n"
        "while erlang.call('again'): pass\n"
        "erlang.call('tell', 2)",
    Again = counters:new(1, []),
    ok = py:register_function(again, fun([]) -> counters:get(Again, 1) =:= 0 end),
    {ok, Process} = py_process:start_link(program(Code)),
    ?assertEqual(1, python_side:told()),
    exit(whereis(py_process_listener), kill),
    ok = eventually:true(fun() -> is_binary(py_process_listener:path()) end),
    {ok, Other} = py_process:start_link(program("erlang.call('tell', 3)")),
    ?assertEqual(3, python_side:told()),
    counters:add(Again, 1, 1),
    ?assertEqual(2, python_side:told()),
    [
        receive
            {'EXIT', Pid, normal} -> ok
        end
     || Pid <- [Process, Other]
    ].

stop(Supervisor) ->
    exit(Supervisor, shutdown),
    receive
        {'EXIT', Supervisor, shutdown} -> ok
    end.
