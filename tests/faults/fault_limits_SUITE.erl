%% SPDX-License-Identifier: Apache-2.0
%% Nodes that run out of descriptors, processes, or calls in flight. Only what needs the missing
%% resource is refused, the rest goes on. When there is enough again, all is as before.
-module(fault_limits_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
%% Called in the nodes.
-export([full_process_table/0, no_descriptors/0]).

suite() ->
    [{timetrap, {minutes, 10}}].

all() ->
    cases:of_suite(?MODULE).

-define(REFUSED, [<<"Disconnected">>, <<"Overloaded">>]).

a_full_process_table_refuses_only_what_needs_a_process(_Config) ->
    %% The smallest possible table.
    in_node(["+P", "1024"], full_process_table).

no_descriptors_left_refuse_only_what_needs_one(_Config) ->
    in_node([], no_descriptors).

in_node(Arguments, Function) ->
    {ok, Peer} = fault_node:start(Arguments),
    try
        fault_node:call(Peer, ?MODULE, Function, [])
    after
        fault_node:stop(Peer)
    end.

full_process_table() ->
    Before = fault_run:baseline(#{}),
    {ok, [true, true, [true, true]]} = one_of_each(),
    Fillers = fill([]),
    %% A thread that has a handler needs no process; a call in a loop needs a process.
    Gathered = on_loop(20),
    Each = one_of_each(),
    Threads = py:call(fault_misbehaviour, threads_at_once, [40]),
    %% A failure must not use up anything.
    {ok, _} = py:call(fault_misbehaviour, threads_again_and_again, [20, 150]),
    Plain = py:eval(<<"1">>),
    Alive = whereis(erlang_python_sup),
    [exit(Pid, kill) || Pid <- Fillers],
    {ok, [true, _, _]} = Each,
    {ok, InGather} = Gathered,
    {ok, InThreads} = Threads,
    ?assertEqual({ok, 1}, Plain),
    assert_refused(InThreads),
    assert_refused(InGather),
    ?assertEqual(ok, fault_check:await_whole()),
    ?assertEqual(Alive, whereis(erlang_python_sup)),
    ?assertEqual(ok, fault_check:await_footprint(Before)).

%% Fills the process table.
fill(Pids) ->
    try spawn(fun() -> receive never -> ok end end) of
        Pid -> fill([Pid | Pids])
    catch
        error:system_limit -> Pids
    end.

assert_refused(Ends) ->
    [?assert(End =:= true orelse lists:member(End, ?REFUSED), End) || End <- Ends],
    ?assert(lists:any(fun(End) -> End =/= true end, Ends)).

one_of_each() ->
    py:call(fault_misbehaviour, one_of_each, []).

on_loop(Count) ->
    py_loop:call(fault_uvloop, fault_misbehaviour, gathered, [Count]).

no_descriptors() ->
    Before = fault_run:baseline(#{}),
    {ok, [true, true, [true, true]]} = one_of_each(),
    {ok, none} = py:call(fault_misbehaviour, take_descriptors, []),
    %% Kept channels serve new threads; new channels can't be made.
    {ok, Ends} = py:call(fault_misbehaviour, threads_at_once, [100]),
    {ok, [true, _, InLoop]} = one_of_each(),
    {ok, InGather} = on_loop(20),
    {ok, 1} = py:eval(<<"1">>),
    %% New contexts can't be made either, unless the contexts of the old pool have ended by then.
    exit(whereis(py_context_pool), kill),
    Renewed = py:eval(<<"1">>),
    {ok, none} = py_loop:call(fault_uvloop, fault_misbehaviour, give_descriptors_back, []),
    %% The pool's supervisor may not have restarted the pool yet.
    eventually:true(fun() -> is_pid(whereis(py_context_pool)) end),
    ?assertEqual(lists:duplicate(20, true), InGather),
    ?assertEqual(<<"OSError">>, InLoop),
    ?assertEqual([], [End || End <- Ends, End =/= true, End =/= <<"OSError">>]),
    ?assert(lists:member(<<"OSError">>, Ends)),
    %% The pool grows again at its next use.
    Meeting = [py:call_async(fault_misbehaviour, meet, []) || _ <- [1, 2]],
    ?assertEqual([{ok, true}, {ok, true}], [py:await(Ref) || Ref <- Meeting]),
    ?assert(lists:member(Renewed, [{ok, 1}, {error, disconnected}]) orelse is_refusal(Renewed)),
    ?assertEqual(ok, fault_check:await_whole()),
    ?assertEqual(ok, fault_check:await_footprint(Before)).

is_refusal({error, {no_context, _}}) -> true;
is_refusal(_) -> false.

faults_at_the_limit_of_calls_in_flight(_Config) ->
    %% A call that another call's function makes is not refused.
    seeds(#{max_in_flight => 12}, #{python => [<<"Overloaded">>]}).

faults_with_pipes_and_without_spinning(_Config) ->
    seeds(#{channel => pipe, spin_us => 0}, #{}).

seeds(Settings, Allowed) ->
    {ok, Peer} = fault_node:start(),
    try
        Before = fault_node:call(Peer, fault_run, baseline, [Settings]),
        [
            begin
                {_, Problems} = fault_node:call(Peer, fault_run, seed, [Seed, Before, Allowed]),
                ?assertEqual([], Problems, {Seed, fault_plan:make(Seed)})
            end
         || Seed <- lists:seq(1001, 1012)
        ]
    after
        fault_node:stop(Peer)
    end.
