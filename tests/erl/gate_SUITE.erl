%% SPDX-License-Identifier: Apache-2.0
%% The order in which a function of limited concurrency admits calls. Random schedules of the gate
%% alone are compared, step by step, with a second and simpler implementation of the rules.
-module(gate_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

free_places_are_given_in_order(_Config) ->
    [A, B, C, D] = [make_ref() || _ <- lists:seq(1, 4)],
    {ok, G1} = py_function_limit:enter(1, py_function_limit:new()),
    full = py_function_limit:enter(1, G1),
    G2 = lists:foldl(fun py_function_limit:wait/2, G1, [B, C, D]),
    ?assertEqual(#{running => 1, waiting => 3}, py_function_limit:counts(G2)),
    {[], G3} = py_function_limit:leave(C, 1, G2),
    {[B], G4} = py_function_limit:leave(A, 1, G3),
    {[D], G5} = py_function_limit:leave(B, 1, G4),
    {[], G6} = py_function_limit:leave(D, 1, G5),
    ?assert(py_function_limit:is_empty(G6)).

%% In the model: `line' has the waiting calls in order.
-record(model, {gate, limit, running = [], line = []}).

random_schedules_keep_the_rules(_Config) ->
    lists:foreach(
        fun(Seed) ->
            _ = rand:seed(exsss, Seed),
            Start = #model{gate = py_function_limit:new(), limit = rand:uniform(3)},
            try
                empty(lists:foldl(fun(_, Model) -> step(Model) end, Start, lists:seq(1, 100)))
            catch
                Class:Reason:Stack -> error({seed, Seed, {Class, Reason, Stack}})
            end
        end,
        lists:seq(1, 500)
    ).

step(Model) ->
    case rand:uniform(20) of
        N when N =< 10 -> come(Model);
        N when N =< 19 -> somebody_leaves(Model);
        _ -> change_limit(Model)
    end.

come(Model = #model{gate = Gate, limit = Limit, running = Running, line = Line}) ->
    Key = make_ref(),
    case py_function_limit:enter(Limit, Gate) of
        {ok, Gate1} ->
            ?assertEqual([], Line),
            check(Model#model{gate = Gate1, running = [Key | Running]});
        full ->
            check(Model#model{gate = py_function_limit:wait(Key, Gate), line = Line ++ [Key]})
    end.

somebody_leaves(Model = #model{running = Running, line = Line}) ->
    case Running ++ Line of
        [] -> Model;
        Keys -> leave(lists:nth(rand:uniform(length(Keys)), Keys), Model)
    end.

leave(Key, Model = #model{gate = Gate, limit = Limit, running = Running, line = Line}) ->
    {Entered, Gate1} = py_function_limit:leave(Key, Limit, Gate),
    Left = Model#model{gate = Gate1, running = Running -- [Key], line = Line -- [Key]},
    check(let_in(Entered, Left)).

change_limit(Model = #model{gate = Gate}) ->
    Limit = lists:nth(rand:uniform(5), [1, 2, 3, 4, infinity]),
    {Entered, Gate1} = py_function_limit:let_in(Limit, Gate),
    check(let_in(Entered, Model#model{gate = Gate1, limit = Limit})).

%% The calls are the first ones in line.
let_in(Entered, Model = #model{running = Running, line = Line}) ->
    {Entered, Waiting} = lists:split(length(Entered), Line),
    Model#model{running = Entered ++ Running, line = Waiting}.

%% No call is admitted over the limit, no call waits for a free place, and the counts are right. A
%% lower limit stops no running call.
check(Model = #model{gate = Gate, limit = Limit, running = Running, line = Line}) ->
    ?assertEqual(
        #{running => length(Running), waiting => length(Line)}, py_function_limit:counts(Gate)
    ),
    ?assert(Line =:= [] orelse length(Running) >= Limit),
    Model.

%% All calls end, in any order. Every waiting call gets its turn.
empty(Model) ->
    case Model#model.running of
        [] ->
            ?assertEqual([], Model#model.line),
            ?assert(py_function_limit:is_empty(Model#model.gate));
        Keys ->
            empty(leave(lists:nth(rand:uniform(length(Keys)), Keys), Model))
    end.
