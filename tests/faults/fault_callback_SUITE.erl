%% SPDX-License-Identifier: Apache-2.0
%% Functions and Python code that misbehave: they never return, return too much, ignore requests to
%% end, use up memory, keep the GIL. Their calls end, their resources are freed, and calls of others
%% are not harmed.
-module(fault_callback_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() ->
    [{timetrap, {minutes, 5}}].

all() ->
    cases:of_suite(?MODULE).

-define(MEGABYTES, 100).

init_per_suite(Config) ->
    {ok, Level} = maps:find(level, logger:get_primary_config()),
    ok = fault_act:boot(),
    [{level, Level} | Config].

end_per_suite(Config) ->
    ok = fault_act:shut_down(),
    logger:set_primary_config(level, proplists:get_value(level, Config)).

init_per_testcase(_Case, Config) ->
    register_functions(),
    ok = fault_check:await_whole(),
    [{before, fault_check:footprint()} | Config].

%% After every case the application is whole, and nothing is left behind.
end_per_testcase(_Case, Config) ->
    fault_act:start(),
    Before = proplists:get_value(before, Config),
    case {fault_check:await_whole(), fault_check:await_footprint(Before)} of
        {ok, ok} -> ok;
        Problems -> {fail, Problems}
    end.

register_functions() ->
    Test = self(),
    Functions = #{
        fault_hang => fun(_) -> hang(Test) end,
        fault_trap => fun(_) ->
            process_flag(trap_exit, true),
            hang(Test)
        end,
        fault_much => fun([Token]) -> [Token, binary:copy(<<"x">>, ?MEGABYTES * 1000000)] end,
        fault_fat => fun(_) ->
            process_flag(max_heap_size, #{size => 100000, kill => true, error_logger => false}),
            length(lists:seq(1, 10000000))
        end
    },
    maps:foreach(fun(Name, Fun) -> ok = py:register_function(Name, Fun) end, Functions).

hang(Test) ->
    Test ! {hangs, self()},
    deaf().

deaf() ->
    receive
        never -> ok;
        _ -> deaf()
    end.

hanging() ->
    receive
        {hangs, Pid} -> {Pid, monitor(process, Pid)}
    after 10000 ->
        error(nobody_hangs)
    end.

reason({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    after 10000 ->
        error({still_alive, Pid})
    end.

%% A call from Python, made in a separate process: in a context's thread, or in a loop.
call(thread, Name, Timeout) ->
    in_process(fun() -> py:call(fault_misbehaviour, call, [Name, Timeout], #{}, 60000) end);
call(loop, Name, Timeout) ->
    in_process(fun() ->
        py_loop:call(fault_uvloop, fault_misbehaviour, async_call, [Name, Timeout], #{}, 60000)
    end).

in_process(Fun) ->
    spawn_monitor(fun() -> exit({result, Fun()}) end).

result({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, {result, Result}} -> Result
    after 30000 ->
        error({hangs, process_info(Pid, current_stacktrace)})
    end.

kinds() ->
    [thread, loop].

a_function_that_never_returns_is_stopped(_Config) ->
    [
        begin
            Call = call(Kind, fault_hang, 0.05),
            Hanging = hanging(),
            ?assertEqual({Kind, {ok, <<"Timeout">>}}, {Kind, result(Call)}),
            ?assertEqual({Kind, shutdown}, {Kind, reason(Hanging)})
        end
     || Kind <- kinds()
    ].

one_that_traps_exits_is_killed_after_a_grace_period(_Config) ->
    [
        begin
            Call = call(Kind, fault_trap, 0.05),
            Hanging = hanging(),
            ?assertEqual({Kind, {ok, <<"Timeout">>}}, {Kind, result(Call)}),
            ?assertEqual({Kind, killed}, {Kind, reason(Hanging)})
        end
     || Kind <- kinds()
    ].

one_that_traps_exits_does_not_outlive_its_handler(_Config) ->
    Call = call(loop, fault_trap, none),
    Hanging = {Pid, _} = hanging(),
    {parent, Handler} = process_info(Pid, parent),
    death:kill(Handler),
    ?assertEqual({ok, <<"Disconnected">>}, result(Call)),
    ?assertEqual(killed, reason(Hanging)).

one_that_traps_exits_does_not_outlive_the_supervisor(_Config) ->
    [
        begin
            Call = call(Kind, fault_trap, none),
            Hanging = hanging(),
            death:kill(py_handler_sup),
            ?assertEqual({Kind, {ok, <<"Disconnected">>}}, {Kind, result(Call)}),
            ?assertEqual({Kind, killed}, {Kind, reason(Hanging)})
        end
     || Kind <- kinds()
    ].

one_that_traps_exits_does_not_outlive_the_application(_Config) ->
    [
        begin
            Call = call(Kind, fault_trap, none),
            Hanging = hanging(),
            ok = application:stop(erlang_python),
            ?assertMatch({Kind, ended}, {Kind, ended(result(Call))}),
            ?assertMatch({Kind, killed}, {Kind, reason(Hanging)}),
            ok = fault_act:start(),
            register_functions()
        end
     || Kind <- kinds()
    ].

ended({ok, <<"Disconnected">>}) -> ended;
ended({error, disconnected}) -> ended;
ended(Other) -> Other.

a_hundred_megabytes_arrive_while_handlers_die(_Config) ->
    Calls = [
        in_process(fun() ->
            py:call(fault_misbehaviour, much, [Number, ?MEGABYTES * 1000000], #{}, 60000)
        end)
     || Number <- lists:seq(1, 6)
    ],
    Plan = [{20000, kill_a_handler} || _ <- lists:seq(1, 10)],
    ok = fault_act:run(Plan),
    [?assert(lists:member(result(Call), [{ok, true}, {ok, <<"Disconnected">>}])) || Call <- Calls],
    ?assertEqual({ok, true}, py:call(fault_misbehaviour, much, [0, ?MEGABYTES * 1000000])).

one_that_runs_out_of_memory_ends_its_own_call_only(_Config) ->
    Others = [call(Kind, fault_fat, none) || Kind <- kinds()],
    [?assertEqual({ok, <<"Disconnected">>}, result(Call)) || Call <- Others],
    Slow = in_process(fun() ->
        py_loop:call(fault_uvloop, fault_misbehaviour, slow_beside, [fault_fat], #{}, 60000)
    end),
    ?assertEqual({ok, [<<"value">>, <<"Disconnected">>]}, result(Slow)).

code_that_keeps_the_gil_delays_and_harms_nobody(_Config) ->
    Drivers = fault_load:start(),
    ok = py:cast(fault_load, hold_gil, [2000]),
    %% Erlang's own time-outs need no GIL.
    {Time, Result} = timer:tc(fun() -> py:eval(<<"1">>, #{}, 100) end),
    ?assert(lists:member(Result, [{error, timeout}, {ok, 1}])),
    ?assert(Time < 1000000),
    {Ledger, Hanging} = fault_load:stop(Drivers),
    ?assertEqual([], Hanging),
    ?assertEqual(ok, fault_check:accounts(Ledger, #{})).

the_application_stops_while_the_gil_is_kept(_Config) ->
    Calls = [call(Kind, fault_hang, none) || Kind <- kinds()],
    _ = [hanging() || _ <- Calls],
    ok = py:cast(fault_load, hold_gil, [3000]),
    ok = application:stop(erlang_python),
    [?assertEqual(ended, ended(result(Call))) || Call <- Calls].

a_flooded_handler_goes_on(_Config) ->
    %% Also in nested calls, where the handler takes messages out of turn.
    Drivers = fault_load:start(),
    Plan = [{10000, flood_handlers} || _ <- lists:seq(1, 10)],
    ok = fault_act:run(Plan),
    {Ledger, Hanging} = fault_load:stop(Drivers),
    ?assertEqual([], Hanging),
    ?assertEqual(ok, fault_check:accounts(Ledger, #{})).

a_loop_that_is_killed_while_it_is_made_is_closed(_Config) ->
    %% Python needs a while to make the loop, and reports the loop before it hands the loop over.
    Test = self(),
    ok = py:register_function(fault_made, fun(_) ->
        Test ! made,
        ok
    end),
    {ok, none} = py:call(fault_misbehaviour, make_loops_slowly, []),
    try
        Starter = spawn(fun() -> py_loop:start_link(#{loop => uvloop}) end),
        receive
            made -> ok
        after 10000 -> error(not_made)
        end,
        [Loop] = [
            Pid
         || Pid <- py_loop_registry:all(), process_info(Pid, parent) =:= {parent, Starter}
        ],
        exit(Loop, kill)
    after
        {ok, true} = py:call(fault_misbehaviour, make_loops_as_usual, [])
    end.

%% The code is loaded twice. As in every upgrade, the second load kills processes that still run the
%% code from before the first load. Their calls end as if another process had killed these
%% processes.
all_code_is_loaded_anew_under_load(_Config) ->
    {ok, Modules} = application:get_key(erlang_python, modules),
    Names = [erlang_python_sup, py_loop_sup, py_context_pool],
    Supervisors = [whereis(Name) || Name <- Names],
    Drivers = fault_load:start(),
    [
        begin
            _ = code:purge(Module),
            {module, Module} = code:load_file(Module)
        end
     || _ <- [once, twice], Module <- Modules
    ],
    {Ledger, Hanging} = fault_load:stop(Drivers),
    ?assertEqual([], Hanging),
    Deaths = [{0, Fault} || Fault <- [kill_all_handlers, kill_all_callers]],
    ?assertEqual(ok, fault_check:accounts(Ledger, fault_plan:allowed(Deaths, #{}))),
    ?assertEqual(Supervisors, [whereis(Name) || Name <- Names]).
