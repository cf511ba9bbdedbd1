%% SPDX-License-Identifier: Apache-2.0
%% Runs one schedule of faults on this node.
-module(fault_run).

-export([baseline/1, seed/3]).

-export_type([problem/0]).

-type problem() :: {What :: atom(), term()}.

%% Returns the footprint after every kind of call has run, without faults. `Settings' are the
%% application's.
-spec baseline(Settings :: #{atom() => term()}) -> fault_check:footprint().
baseline(Settings) ->
    ok = fault_act:boot(Settings),
    _ = under_load([{300000, collect_garbage}]),
    ok = fault_check:await_whole(),
    fault_check:footprint().

%% `Allowed': ends of calls that are allowed besides the ends that the faults explain.
-spec seed(Seed :: integer(), fault_check:footprint(), Allowed :: fault_plan:ends()) ->
    {fault_load:ledger(), [problem()]}.
seed(Seed, Before, Allowed) ->
    _ = rand:seed(exsss, Seed),
    Plan = fault_plan:make(Seed),
    {Ledger, Hanging} = under_load(Plan),
    Checks = [
        {hanging, case Hanging of [] -> ok; _ -> {error, Hanging} end},
        {accounts, fault_check:accounts(Ledger, fault_plan:allowed(Plan, Allowed))},
        {not_whole, fault_check:await_whole()},
        {grown, fault_check:await_footprint(Before)}
    ],
    {Ledger, [{What, Why} || {What, {error, Why}} <- Checks]}.

under_load(Plan) ->
    Drivers = fault_load:start(),
    ok = fault_act:run(Plan),
    fault_load:stop(Drivers).
