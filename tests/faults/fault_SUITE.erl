%% SPDX-License-Identifier: Apache-2.0
%% While calls of all kinds are in progress, faults happen in schedules made from seeds: processes
%% of the application and callers die, the application is stopped and started. Each call ends, with
%% its own value or with an error that the faults explain. The application recovers, and nothing is
%% left behind.
%%
%% FAULT_SEEDS=count runs the seeds 1 to count, FAULT_SEED=number runs one seed.
-module(fault_SUITE).

-compile([export_all, nowarn_export_all]).

-define(SEEDS, 60).

suite() ->
    [{timetrap, {hours, 2}}].

all() ->
    cases:of_suite(?MODULE).

every_call_ends_whatever_dies(_Config) ->
    {Problems, Ledger} = run(seeds(), none, [], #{}),
    report(Ledger),
    [] = [Seed || {Seed, _} <- Problems].

seeds() ->
    case {os:getenv("FAULT_SEED"), os:getenv("FAULT_SEEDS")} of
        {false, false} -> lists:seq(1, ?SEEDS);
        {false, Count} -> lists:seq(1, list_to_integer(Count));
        {Seed, _} -> [list_to_integer(Seed)]
    end.

%% A node that had a problem is not used again.
run([], none, Problems, Ledger) ->
    {Problems, Ledger};
run([], {Peer, _}, Problems, Ledger) ->
    ok = fault_node:stop(Peer),
    {Problems, Ledger};
run(Seeds, none, Problems, Ledger) ->
    {ok, Peer} = fault_node:start(),
    run(Seeds, {Peer, fault_node:call(Peer, fault_run, baseline, [#{}])}, Problems, Ledger);
run([Seed | Seeds], Node = {Peer, Before}, Problems, Ledger) ->
    {Added, Found} =
        try
            fault_node:call(Peer, fault_run, seed, [Seed, Before, #{}])
        catch
            Class:Reason -> {#{}, [{node, {Class, Reason}}]}
        end,
    All = maps:merge_with(fun(_, A, B) -> A + B end, Ledger, Added),
    case Found of
        [] ->
            run(Seeds, Node, Problems, All);
        _ ->
            ct:pal("seed ~b: ~tp~n~tp~nAgain: FAULT_SEED=~b ./dev test fault_SUITE", [
                Seed, Found, fault_plan:make(Seed), Seed
            ]),
            ok = fault_node:stop(Peer),
            run(Seeds, none, [{Seed, Found} | Problems], All)
    end.

report(Ledger) ->
    Issued = maps:fold(
        fun
            ({_, <<"issued">>}, Count, Sum) -> Sum + Count;
            (_, _, Sum) -> Sum
        end,
        0,
        Ledger
    ),
    ct:pal("~b calls~n~tp", [Issued, lists:sort(maps:to_list(Ledger))]).
