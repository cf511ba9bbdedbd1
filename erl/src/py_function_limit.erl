%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The calls of one function of limited concurrency, as a value. The process `py_function_limiter'
%% has one such value for each function.
%%
%% A gate has as many places as the limit says, and a line of waiting calls, first come, first
%% served. A function that has a place may cause further calls of itself and wait for them. Such an
%% inner call shares the place of its nearest ancestor, one inner call at a time. So a place is a
%% stack: only the innermost call works, the others wait for it. In the line, the inner call could
%% wait for its own ancestor, which waits for the inner call.
%%
%%   places:  [C, B, A]   A called B, B called C       line:  [X, Y, D (behind A)]
%%            [E]         not related to them
%%
%% `D' is A's second call at the same time, e.g. of a `gather'. It gets A's place when B has ended,
%% or a free place when its turn comes, whichever is first. A may end before B, e.g. because A was
%% cancelled. Then the place is B's, and D waits behind A's nearest living ancestor, if there is
%% one.
-module(py_function_limit).

-export([new/0, enter/4, wait/3, leave/3, let_in/2, restore/3, counts/1, is_empty/1]).

-export_type([gate/0, key/0, place/0, limit/0]).

%% One call, from its request to enter until its end.
-type key() :: reference().
%% A place has the key of the call that took it first.
-type place() :: key().
-type limit() :: pos_integer() | infinity.
-type turn() :: pos_integer().

-record(gate, {
    keys = #{} :: #{key() => {in, place()} | {waiting, turn()}},
    %% Innermost first; never empty.
    places = #{} :: #{place() => [key(), ...]},
    line = gb_trees:empty() :: gb_trees:tree(turn(), waiting()),
    %% For the line: the turns that wait behind each nearest living ancestor.
    behind = #{} :: #{key() => gb_sets:set(turn())},
    last_turn = 0 :: non_neg_integer()
}).

%% With the ancestors that were in at its arrival, nearest first.
-type waiting() :: {key(), Ancestors :: [key()], Nearest :: key() | none}.
-type entered() :: [{key(), place()}].

-opaque gate() :: #gate{}.

-spec new() -> gate().
new() ->
    #gate{}.

%% Lets `Key' in if its nearest ancestor's place or a free place is available. No call in line can
%% want the same place: it would be in already.
-spec enter(key(), Ancestors :: [key()], limit(), gate()) -> {ok, place(), gate()} | full.
enter(Key, Ancestors, Limit, Gate = #gate{places = Places}) ->
    case lent_by(nearest(Ancestors, Gate), Gate) of
        {ok, Place} -> {ok, Place, push(Key, Place, Gate)};
        %% In Erlang's order of terms, `infinity' is greater than any number.
        none when map_size(Places) < Limit -> {ok, Key, push(Key, Key, Gate)};
        none -> full
    end.

%% Puts a key in line for which enter/4 has found no place.
-spec wait(key(), Ancestors :: [key()], gate()) -> gate().
wait(Key, Ancestors, Gate = #gate{keys = Keys, line = Line, last_turn = Last}) ->
    Turn = Last + 1,
    Living = [Ancestor || Ancestor <- Ancestors, is_in(Ancestor, Gate)],
    Nearest = nearest(Living, Gate),
    get_behind(Nearest, Turn, Gate#gate{
        keys = Keys#{Key => {waiting, Turn}},
        line = gb_trees:insert(Turn, {Key, Living, Nearest}, Line),
        last_turn = Turn
    }).

%% A call has ended or has left the line. Returns the calls that are let in instead.
-spec leave(key(), limit(), gate()) -> {entered(), gate()}.
leave(Key, Limit, Gate = #gate{keys = Keys}) ->
    case maps:take(Key, Keys) of
        {{waiting, Turn}, Rest} ->
            {_Key, Gate1} = take_from_line(Turn, Gate),
            {[], Gate1#gate{keys = Rest}};
        {{in, Place}, Rest} ->
            {Innermost, Gate1} = pop(Key, Place, Gate#gate{keys = Rest}),
            {Ancestors, Gate2} = leave_behind(Key, Gate1),
            {Kin, Gate3} = let_in_behind(lists:usort(Innermost ++ Ancestors), Gate2),
            {Others, Gate4} = let_in(Limit, Gate3),
            {Kin ++ Others, Gate4}
    end.

%% Applies a limit; returns the calls that are let in.
-spec let_in(limit(), gate()) -> {entered(), gate()}.
let_in(Limit, Gate = #gate{places = Places, line = Line}) ->
    case map_size(Places) < Limit andalso not gb_trees:is_empty(Line) of
        true ->
            {Turn, _} = gb_trees:smallest(Line),
            {Key, Gate1} = take_from_line(Turn, Gate),
            {Entered, Gate2} = let_in(Limit, push(Key, Key, Gate1)),
            {[{Key, Key} | Entered], Gate2};
        false ->
            {[], Gate}
    end.

%% Puts a call that is known to be in on top of its place.
-spec restore(key(), place(), gate()) -> gate().
restore(Key, Place, Gate) ->
    push(Key, Place, Gate).

%% The numbers of running calls, of places and of waiting calls.
-spec counts(gate()) -> #{running | places | waiting => non_neg_integer()}.
counts(#gate{keys = Keys, places = Places, line = Line}) ->
    Waiting = gb_trees:size(Line),
    #{running => map_size(Keys) - Waiting, places => map_size(Places), waiting => Waiting}.

-spec is_empty(gate()) -> boolean().
is_empty(#gate{keys = Keys}) ->
    map_size(Keys) =:= 0.

-spec is_in(key(), gate()) -> boolean().
is_in(Key, #gate{keys = Keys}) ->
    case Keys of
        #{Key := {in, _}} -> true;
        #{} -> false
    end.

-spec nearest(Ancestors :: [key()], gate()) -> key() | none.
nearest([Ancestor | Further], Gate) ->
    case is_in(Ancestor, Gate) of
        true -> Ancestor;
        false -> nearest(Further, Gate)
    end;
nearest([], _Gate) ->
    none.

%% The ancestor's place, unless another inner call has it.
-spec lent_by(Ancestor :: key() | none, gate()) -> {ok, place()} | none.
lent_by(none, _Gate) ->
    none;
lent_by(Ancestor, #gate{keys = Keys, places = Places}) ->
    #{Ancestor := {in, Place}} = Keys,
    case Places of
        #{Place := [Ancestor | _]} -> {ok, Place};
        #{} -> none
    end.

-spec push(key(), place(), gate()) -> gate().
push(Key, Place, Gate = #gate{keys = Keys, places = Places}) ->
    Stack = maps:get(Place, Places, []),
    Gate#gate{keys = Keys#{Key => {in, Place}}, places = Places#{Place => [Key | Stack]}}.

%% Also returns the call that is the innermost one now, if there is one.
-spec pop(key(), place(), gate()) -> {[key()], gate()}.
pop(Key, Place, Gate = #gate{places = Places}) ->
    #{Place := Stack} = Places,
    case lists:delete(Key, Stack) of
        [] -> {[], Gate#gate{places = maps:remove(Place, Places)}};
        [Innermost | _] = Left -> {[Innermost], Gate#gate{places = Places#{Place := Left}}}
    end.

%% Each call behind `Key' moves behind its next ancestor. Returns those ancestors.
-spec leave_behind(key(), gate()) -> {Ancestors :: [key()], gate()}.
leave_behind(Key, Gate = #gate{behind = Behind}) ->
    case maps:take(Key, Behind) of
        {Turns, Rest} ->
            Left = Gate#gate{behind = Rest},
            lists:foldl(fun get_behind_next/2, {[], Left}, gb_sets:to_list(Turns));
        error ->
            {[], Gate}
    end.

-spec get_behind_next(turn(), {[key()], gate()}) -> {[key()], gate()}.
get_behind_next(Turn, {Found, Gate = #gate{line = Line}}) ->
    {Key, Ancestors, _Gone} = gb_trees:get(Turn, Line),
    Nearest = nearest(Ancestors, Gate),
    Line1 = gb_trees:update(Turn, {Key, Ancestors, Nearest}, Line),
    Gate1 = get_behind(Nearest, Turn, Gate#gate{line = Line1}),
    {[Nearest || Nearest =/= none] ++ Found, Gate1}.

-spec get_behind(Nearest :: key() | none, turn(), gate()) -> gate().
get_behind(none, _Turn, Gate) ->
    Gate;
get_behind(Nearest, Turn, Gate = #gate{behind = Behind}) ->
    Turns = maps:get(Nearest, Behind, gb_sets:empty()),
    Gate#gate{behind = Behind#{Nearest => gb_sets:add_element(Turn, Turns)}}.

%% Lets in the first call behind each ancestor that can share its place.
-spec let_in_behind([key()], gate()) -> {entered(), gate()}.
let_in_behind([Ancestor | Ancestors], Gate = #gate{behind = Behind}) ->
    case {lent_by(Ancestor, Gate), Behind} of
        {{ok, Place}, #{Ancestor := Turns}} ->
            {Key, Gate1} = take_from_line(gb_sets:smallest(Turns), Gate),
            {Entered, Gate2} = let_in_behind(Ancestors, push(Key, Place, Gate1)),
            {[{Key, Place} | Entered], Gate2};
        _ ->
            let_in_behind(Ancestors, Gate)
    end;
let_in_behind([], Gate) ->
    {[], Gate}.

-spec take_from_line(turn(), gate()) -> {key(), gate()}.
take_from_line(Turn, Gate = #gate{line = Line, behind = Behind}) ->
    {{Key, _Ancestors, Nearest}, Line1} = gb_trees:take(Turn, Line),
    {Key, Gate#gate{line = Line1, behind = take_from_behind(Nearest, Turn, Behind)}}.

-spec take_from_behind(Nearest :: key() | none, turn(), Behind) -> Behind when
    Behind :: #{key() => gb_sets:set(turn())}.
take_from_behind(none, _Turn, Behind) ->
    Behind;
take_from_behind(Nearest, Turn, Behind) ->
    Turns = gb_sets:del_element(Turn, maps:get(Nearest, Behind)),
    case gb_sets:is_empty(Turns) of
        true -> maps:remove(Nearest, Behind);
        false -> Behind#{Nearest := Turns}
    end.
