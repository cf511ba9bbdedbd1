%% SPDX-License-Identifier: Apache-2.0
%% The order in which a function of limited concurrency admits calls. Random schedules of the gate
%% alone are compared, step by step, with a second and simpler implementation of the rules.
-module(gate_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

keys(Count) ->
    [make_ref() || _ <- lists:seq(1, Count)].

entered({Entered, Gate}) ->
    {[Key || {Key, _Place} <- Entered], Gate}.

strangers_get_free_places_in_order(_Config) ->
    [A, B, C, D] = keys(4),
    {ok, A, G1} = py_function_limit:enter(A, [], 1, py_function_limit:new()),
    full = py_function_limit:enter(B, [], 1, G1),
    G2 = lists:foldl(fun(Key, Gate) -> py_function_limit:wait(Key, [], Gate) end, G1, [B, C, D]),
    ?assertEqual(#{running => 1, places => 1, waiting => 3}, py_function_limit:counts(G2)),
    {[], G3} = py_function_limit:leave(C, 1, G2),
    {[B], G4} = entered(py_function_limit:leave(A, 1, G3)),
    {[D], G5} = entered(py_function_limit:leave(B, 1, G4)),
    {[], G6} = py_function_limit:leave(D, 1, G5),
    ?assert(py_function_limit:is_empty(G6)).

ten_deep_on_one_place(_Config) ->
    Keys = keys(10),
    {Gate, _} = lists:foldl(
        fun(Key, {Gate, Ancestors}) ->
            {ok, Place, Gate1} = py_function_limit:enter(Key, Ancestors, 1, Gate),
            ?assertEqual(hd(Keys), Place),
            {Gate1, [Key | Ancestors]}
        end,
        {py_function_limit:new(), []},
        Keys
    ),
    ?assertEqual(#{running => 10, places => 1, waiting => 0}, py_function_limit:counts(Gate)),
    ?assertEqual(full, py_function_limit:enter(make_ref(), [], 1, Gate)).

siblings_take_turns_on_their_ancestors_place(_Config) ->
    [A, B, C, Stranger] = keys(4),
    {ok, A, G1} = py_function_limit:enter(A, [], 1, py_function_limit:new()),
    G2 = py_function_limit:wait(Stranger, [], G1),
    {ok, A, G3} = py_function_limit:enter(B, [A], 1, G2),
    full = py_function_limit:enter(C, [A], 1, G3),
    G4 = py_function_limit:wait(C, [A], G3),
    %% The stranger came first, but this place is not free for a stranger.
    {[C], G5} = entered(py_function_limit:leave(B, 1, G4)),
    {[], G6} = py_function_limit:leave(C, 1, G5),
    {[Stranger], _} = entered(py_function_limit:leave(A, 1, G6)).

a_place_goes_on_to_whoever_runs_on_it(_Config) ->
    [A, B, Stranger] = keys(3),
    {ok, A, G1} = py_function_limit:enter(A, [], 1, py_function_limit:new()),
    {ok, A, G2} = py_function_limit:enter(B, [A], 1, G1),
    G3 = py_function_limit:wait(Stranger, [], G2),
    {[], G4} = py_function_limit:leave(A, 1, G3),
    {[Stranger], _} = entered(py_function_limit:leave(B, 1, G4)).

one_behind_an_ended_ancestor_waits_behind_the_next(_Config) ->
    [A, B, C, D] = keys(4),
    {ok, A, G1} = py_function_limit:enter(A, [], 1, py_function_limit:new()),
    {ok, A, G2} = py_function_limit:enter(B, [A], 1, G1),
    {ok, A, G3} = py_function_limit:enter(C, [B, A], 1, G2),
    G4 = py_function_limit:wait(D, [B, A], G3),
    {[], G5} = py_function_limit:leave(B, 1, G4),
    {[D], _} = entered(py_function_limit:leave(C, 1, G5)).

%% In the model: `stacks' has the running calls by place, `line' the waiting calls in order,
%% `ancestors' the ancestors of all calls.
-record(model, {gate, limit, stacks = #{}, line = [], ancestors = #{}, ended = []}).

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

come(Model = #model{gate = Gate, limit = Limit, ancestors = Ancestors, ended = Ended}) ->
    Key = make_ref(),
    Mine =
        case [any] ++ inside(Model) ++ lists:sublist(Ended, 2) of
            [any] -> [];
            Parents -> chain(lists:nth(rand:uniform(length(Parents)), Parents), Ancestors)
        end,
    Known = Model#model{ancestors = Ancestors#{Key => Mine}},
    case py_function_limit:enter(Key, Mine, Limit, Gate) of
        {ok, Place, Gate1} ->
            check(let_in(Key, Place, Known#model{gate = Gate1}));
        full ->
            Waiting = Known#model{line = Model#model.line ++ [Key]},
            check(Waiting#model{gate = py_function_limit:wait(Key, Mine, Gate)})
    end.

chain(any, _) -> [];
chain(Parent, Ancestors) -> [Parent | maps:get(Parent, Ancestors)].

somebody_leaves(Model = #model{line = Line}) ->
    case inside(Model) ++ Line of
        [] -> Model;
        Keys -> leave(lists:nth(rand:uniform(length(Keys)), Keys), Model)
    end.

leave(Key, Model = #model{gate = Gate, limit = Limit, stacks = Stacks}) ->
    #model{line = Line, ended = Ended} = Model,
    Left = maps:filter(fun(_, S) -> S =/= [] end, maps:map(fun(_, S) -> S -- [Key] end, Stacks)),
    {Entered, Gate1} = py_function_limit:leave(Key, Limit, Gate),
    Without = Model#model{stacks = Left, line = Line -- [Key], ended = [Key | Ended]},
    check(all_let_in(Entered, Without#model{gate = Gate1})).

change_limit(Model = #model{gate = Gate}) ->
    Limit = rand:uniform(4),
    {Entered, Gate1} = py_function_limit:let_in(Limit, Gate),
    check(all_let_in(Entered, Model#model{gate = Gate1, limit = Limit})).

all_let_in(Entered, Model) ->
    lists:foldl(fun({Key, Place}, Acc) -> let_in(Key, Place, Acc) end, Model, Entered).

%% Admits one call. A call takes a free place when it is the first in line. Or it takes the place
%% where its nearest ancestor runs, when it is the first that waits for this ancestor.
let_in(Key, Key, Model = #model{limit = Limit, stacks = Stacks, line = Line}) ->
    ?assert(map_size(Stacks) < Limit),
    ?assert(Line =:= [] orelse hd(Line) =:= Key orelse not lists:member(Key, Line)),
    Model#model{stacks = Stacks#{Key => [Key]}, line = Line -- [Key]};
let_in(Key, Place, Model = #model{stacks = Stacks, line = Line}) ->
    #{Place := Stack = [Innermost | _]} = Stacks,
    ?assertEqual(Innermost, nearest(Key, Model)),
    Behind = [Waiting || Waiting <- Line, nearest(Waiting, Model) =:= Innermost],
    ?assert(not lists:member(Key, Line) orelse hd(Behind) =:= Key),
    Model#model{stacks = Stacks#{Place := [Key | Stack]}, line = Line -- [Key]}.

%% No call waits for a place that it could take, and the counts are right.
check(Model = #model{gate = Gate, limit = Limit, stacks = Stacks, line = Line}) ->
    ?assertEqual(
        #{running => length(inside(Model)), places => map_size(Stacks), waiting => length(Line)},
        py_function_limit:counts(Gate)
    ),
    ?assert(Line =:= [] orelse map_size(Stacks) >= Limit),
    Working = [Innermost || [Innermost | _] <- maps:values(Stacks)],
    ?assertEqual([], [W || W <- Line, lists:member(nearest(W, Model), Working)]),
    Model.

%% All calls end, in any order. Every waiting call gets its turn.
empty(Model) ->
    case inside(Model) of
        [] ->
            ?assertEqual([], Model#model.line),
            ?assert(py_function_limit:is_empty(Model#model.gate));
        Keys ->
            empty(leave(lists:nth(rand:uniform(length(Keys)), Keys), Model))
    end.

inside(#model{stacks = Stacks}) ->
    lists:append(maps:values(Stacks)).

nearest(Key, Model = #model{ancestors = Ancestors}) ->
    Inside = inside(Model),
    case [A || A <- maps:get(Key, Ancestors), lists:member(A, Inside)] of
        [Nearest | _] -> Nearest;
        [] -> none
    end.
