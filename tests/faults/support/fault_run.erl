%% SPDX-License-Identifier: Apache-2.0
%% One schedule of faults on the node where this is called.
-module(fault_run).

-export([baseline/0, seed/2]).

-export_type([problem/0]).

-type problem() :: {What :: atom(), term()}.

%% Everything has run once, with nothing wrong.
-spec baseline() -> fault_check:footprint().
baseline() ->
    ok = fault_act:boot(),
    _ = under_load([{300000, collect_garbage}]),
    ok = fault_check:await_whole(),
    fault_check:footprint().

-spec seed(Seed :: integer(), fault_check:footprint()) ->
    {fault_load:ledger(), [problem()]}.
seed(Seed, Before) ->
    _ = rand:seed(exsss, Seed),
    Plan = fault_plan:make(Seed),
    {Ledger, Hanging} = under_load(Plan),
    Checks = [
        {hanging, case Hanging of [] -> ok; _ -> {error, Hanging} end},
        {accounts, fault_check:accounts(Ledger, fault_plan:allowed(Plan))},
        {not_whole, fault_check:await_whole()},
        {grown, fault_check:await_footprint(Before)}
    ],
    {Ledger, [{What, Why} || {What, {error, Why}} <- Checks]}.

under_load(Plan) ->
    Drivers = fault_load:start(),
    ok = fault_act:run(Plan),
    fault_load:stop(Drivers).
