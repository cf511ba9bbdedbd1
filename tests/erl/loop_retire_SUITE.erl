%% SPDX-License-Identifier: Apache-2.0
%% All hosted loops end with the application: their order, and that no loop comes back.
-module(loop_retire_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
%% A logger handler.
-export([log/2]).

-define(LIMIT, 20000).

all() ->
    cases:of_suite(?MODULE).

init_per_testcase(_Case, Config) ->
    process_flag(trap_exit, true),
    Config1 = python_side:start(source(), Config),
    ok = python_side:register_tell(),
    Config1.

end_per_testcase(_Case, _Config) ->
    _ = application:stop(erlang_python),
    application:unset_env(erlang_python, loops).

source() ->
    <<"import asyncio\n"
      "async def add(a, b):\n"
      "    return a + b\n"
      "async def serve(name, at_end):\n"
      "    await erlang.async_call('tell', (name, 'started'))\n"
      "    await serve_untold(name, at_end)\n"
      "async def serve_untold(name, at_end):\n"
      "    try:\n"
      "        await asyncio.get_running_loop().create_future()\n"
      "    finally:\n"
      "        seen = await erlang.async_call(at_end)\n"
      "        await erlang.async_call('tell', (name, seen))\n">>.

loop(Name, AtEnd) ->
    Main = {'__main__', serve, [atom_to_binary(Name), AtEnd], #{}},
    #{name => Name, main => Main, stop_timeout => ?LIMIT}.

%% Starts the loops in order, under a user's supervisor.
start_loops(Loops) ->
    {ok, Supervisor} = own_supervisor:start_link([py_loop:child_spec(Loop) || Loop <- Loops]),
    Supervisor.

await_started(Names) ->
    Started = [{atom_to_binary(Name), <<"started">>} || Name <- Names],
    ?assertEqual(lists:sort(Started), lists:sort([python_side:told() || _ <- Names])).

the_end_of_a_loop_uses_loops_started_before(_Config) ->
    ok = py:register_function(add_in_jobs, fun([]) -> py_loop:call(jobs, '__main__', add, [1, 2]) end),
    _ = start_loops([#{name => jobs}, loop(web, <<"add_in_jobs">>)]),
    await_started([web]),
    ok = application:stop(erlang_python),
    ?assertEqual({<<"web">>, {ok, 3}}, python_side:told()).

%% The default loop starts at its first use, so after the other loops.
the_end_of_a_loop_uses_the_default_loop(_Config) ->
    Main = {'__main__', serve_untold, [<<"configured">>, <<"add">>], #{}},
    restart_with([#{name => configured, main => Main}]),
    ?assertEqual({ok, 3}, py_loop:call(configured, '__main__', add, [1, 2])),
    Add = fun([]) -> py:async_await(py:async_call('__main__', add, [1, 2])) end,
    ok = py:register_function(add, Add),
    {ok, _} = py_loop:start_link(loop(users, <<"add">>)),
    await_started([users]),
    ?assertEqual({ok, 3}, Add([])),
    ok = application:stop(erlang_python),
    ?assertEqual({<<"users">>, {ok, 3}}, python_side:told()),
    ?assertEqual({<<"configured">>, {ok, 3}}, python_side:told()).

restart_with(Loops) ->
    ok = application:stop(erlang_python),
    ok = application:set_env(erlang_python, loops, Loops),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = python_side:register_tell().

a_loop_that_has_ended_is_not_running(_Config) ->
    ok = py:register_function(nothing, fun([]) -> none end),
    ok = py:register_function(add_in_web, fun([]) -> py_loop:call(web, '__main__', add, [1, 2]) end),
    _ = start_loops([loop(jobs, <<"add_in_web">>), loop(web, <<"nothing">>)]),
    await_started([jobs, web]),
    ok = application:stop(erlang_python),
    ?assertEqual({<<"web">>, none}, python_side:told()),
    ?assertEqual({<<"jobs">>, {error, not_running}}, python_side:told()).

%% The supervisor's children stay in place until the application has stopped.
a_users_supervisor_starts_no_loop_while_the_application_stops(_Config) ->
    ok = register_ask(),
    Loops = [a_loop, b_loop],
    Supervisor = start_loops([loop(Name, <<"ask">>) || Name <- Loops]),
    await_started(Loops),
    Processes = [whereis(Name) || Name <- Loops],
    Stopping = spawn_monitor(fun() -> exit(application:stop(erlang_python)) end),
    asker() ! seen,
    ?assertEqual({<<"b_loop">>, seen}, python_side:told()),
    %% The second loop asks after the first loop has ended.
    Asker = asker(),
    ?assertEqual(Processes, [
        Pid
     || {_, Pid, _, _} <- lists:reverse(supervisor:which_children(Supervisor))
    ]),
    Asker ! seen,
    ?assertEqual({<<"a_loop">>, seen}, python_side:told()),
    ?assertEqual(ok, death:reason(Stopping, ?LIMIT)),
    ?assertEqual([], [Pid || Pid <- Processes, is_process_alive(Pid)]),
    %% The supervisor notices that the application is stopped, as always.
    ?assertEqual(shutdown, receive {'EXIT', Supervisor, Why} -> Why after ?LIMIT -> none end),
    ?assertEqual(nothing, nothing_told()).

register_ask() ->
    Test = self(),
    py:register_function(ask, fun([]) ->
        Test ! {asked, self()},
        receive
            Answer -> Answer
        end
    end).

asker() ->
    receive
        {asked, Pid} -> Pid
    after ?LIMIT -> error(not_asked)
    end.

nothing_told() ->
    receive
        {told, What} -> What
    after 0 -> nothing
    end.

%% The stop comes between the loop's first look at the application and its row in the table.
a_loop_that_starts_meanwhile_ends_too(_Config) ->
    Results = [start_amid_stop(Delay) || Delay <- lists:seq(0, 3000, 100)],
    ?assertEqual([], [Result || {error, Why} = Result <- Results, Why =/= not_running]).

start_amid_stop(Microseconds) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Test = self(),
    Starter = spawn_link(fun() ->
        process_flag(trap_exit, true),
        Test ! {self(), py_loop:start_link(#{loop => asyncio})},
        receive done -> ok end
    end),
    busy_wait(erlang:monotonic_time(microsecond) + Microseconds),
    ok = application:stop(erlang_python),
    receive
        {Starter, Result} ->
            _ = [?assertNot(is_process_alive(Loop)) || {ok, Loop} <- [Result]],
            Starter ! done,
            Result
    after ?LIMIT -> error(still_starting)
    end.

busy_wait(Until) ->
    case erlang:monotonic_time(microsecond) < Until of
        true -> busy_wait(Until);
        false -> ok
    end.

%% The loops' supervisor does not give up, which would end the application's whole tree.
a_loop_that_dies_meanwhile_is_not_restarted(_Config) ->
    restart_with([#{name => dying}]),
    ok = register_ask(),
    {ok, _} = py_loop:start_link(loop(last, <<"ask">>)),
    await_started([last]),
    Stopping = spawn_monitor(fun() -> exit(application:stop(erlang_python)) end),
    Asker = asker(),
    Dying = whereis(dying),
    Parent = whereis(py_loop_sup),
    death:kill(Dying),
    eventually:equal([undefined], fun() ->
        [Pid || {{py_loop, _}, Pid, _, _} <- supervisor:which_children(Parent)]
    end),
    Asker ! seen,
    ?assertEqual({<<"last">>, seen}, python_side:told()),
    ?assertEqual(ok, death:reason(Stopping, ?LIMIT)).

%% The user's supervisor reports a failed restart and gives up. No process of this application
%% crashes.
a_users_loop_that_dies_meanwhile_makes_no_crash_report(_Config) ->
    ok = register_ask(),
    Supervisor = start_loops([loop(dying, <<"ask">>), loop(last, <<"ask">>)]),
    await_started([dying, last]),
    Stopping = spawn_monitor(fun() -> exit(application:stop(erlang_python)) end),
    Asker = asker(),
    ok = logger:add_handler(?MODULE, ?MODULE, #{level => error, config => #{to => self()}}),
    try
        death:kill(dying),
        receive
            not_restarted -> Asker ! seen
        after ?LIMIT -> error(nobody_tried)
        end,
        ?assertEqual(ok, death:reason(Stopping, ?LIMIT)),
        ?assertEqual(shutdown, receive {'EXIT', Supervisor, Why} -> Why after ?LIMIT -> none end)
    after
        logger:remove_handler(?MODULE)
    end,
    ?assertEqual([], crash_reports()).

log(#{msg := {report, #{label := {proc_lib, crash}} = Report}}, #{config := #{to := To}}) ->
    To ! {crash_report, Report},
    ok;
log(#{msg := {report, #{label := {supervisor, start_error}}}}, #{config := #{to := To}}) ->
    To ! not_restarted,
    ok;
log(_Event, _Config) ->
    ok.

crash_reports() ->
    receive
        {crash_report, Report} -> [Report | crash_reports()]
    after 0 -> []
    end.
