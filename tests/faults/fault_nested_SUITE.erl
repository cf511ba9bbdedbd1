%% SPDX-License-Identifier: Apache-2.0
%% The application's top supervisor is killed, and the table of functions with it, while a thread's
%% handler still lives for a moment. Nested calls on this thread find no function any more. Each
%% function reports the error that the function inside has reported.
-module(fault_nested_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() ->
    [{timetrap, {minutes, 2}}].

all() ->
    cases:of_suite(?MODULE).

%% For each event, in milliseconds.
-define(LIMIT, 10000).

init_per_suite(Config) ->
    {ok, Level} = maps:find(level, logger:get_primary_config()),
    ok = fault_act:boot(),
    [{level, Level} | Config].

end_per_suite(Config) ->
    ok = fault_act:shut_down(),
    logger:set_primary_config(level, proplists:get_value(level, Config)).

init_per_testcase(_Case, Config) ->
    ok = fault_check:await_whole(),
    [{before, fault_check:footprint()} | Config].

end_per_testcase(_Case, Config) ->
    fault_act:start(),
    Before = proplists:get_value(before, Config),
    case {fault_check:await_whole(), fault_check:await_footprint(Before)} of
        {ok, ok} -> ok;
        Problems -> {fail, Problems}
    end.

the_function_around_reports_the_error(_Config) ->
    ?assertEqual(<<"Error:Disconnected">>, outermost_end(0)).

each_further_one_reports_a_report(_Config) ->
    ?assertEqual(<<"Error:Error">>, outermost_end(1)),
    ?assertEqual(<<"Error:Error">>, outermost_end(2)).

a_kill_explains_these_ends_and_a_restart_none(_Config) ->
    Ends = [<<"Error:Disconnected">>, <<"Error:Error">>],
    Ledger = maps:from_list([{{<<"nested">>, End}, 1} || End <- Ends]),
    Unexplained = fun(Fault) ->
        fault_ends:unexplained(Ledger, fault_plan:allowed([{0, Fault}], #{}))
    end,
    ?assertEqual(#{}, Unexplained(kill_top)),
    [
        ?assertEqual(Ledger, Unexplained(Fault), Fault)
     || Fault <- [restart, kill_all_handlers, {kill, py_handler_sup}, {kill, py_coordinator}]
    ].

%% The end of a thread's call when the table of functions is gone at this depth of nesting.
outermost_end(Functions) ->
    Test = self(),
    ok = py:register_function(fault_fall, fun([Left]) -> fall(Test, Left) end),
    {ok, none} = py:call(fault_misbehaviour, begin_to_fall, [Functions]),
    Handler = receive {innermost, Pid} -> Pid after ?LIMIT -> error(not_called) end,
    %% The supervisor would end the handlers when its parent is gone.
    Supervisor = whereis(py_handler_sup),
    true = erlang:suspend_process(Supervisor),
    death:kill(erlang_python_sup),
    Handler ! go_on,
    %% The handler answers when the outermost function has ended.
    _ = sys:get_state(Handler, ?LIMIT),
    true = erlang:resume_process(Supervisor),
    eventually:equal(false, fun() ->
        lists:keymember(erlang_python, 1, application:which_applications())
    end),
    ok = fault_act:start(),
    {ok, End} = py:call(fault_misbehaviour, fallen, []),
    End.

fall(Test, 0) ->
    Test ! {innermost, self()},
    receive
        go_on -> call_on(0)
    end;
fall(_Test, Left) ->
    call_on(Left - 1).

call_on(Left) ->
    {error, {Name, _Text}} = py:call(fault_misbehaviour, fall, [Left]),
    exit(Name).
