%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Who may run one function of limited concurrency: a value, not a process (that is py_gates).
%%
%% As many places as the limit says, and a line of those who wait for one, first come, first served.
%% A function that has a place may cause further calls of the same function, and wait for them. Such
%% a call runs on the place of its nearest ancestor, one at a time, as if the ancestor had lent it
%% for as long: so a place is a stack, only the innermost of which works while the others wait for
%% it. Were it to stand in line for a place of its own, it might wait for its ancestor, which waits
%% for it.
%%
%%   places:  [C, B, A]   A called B, B called C       line:  [X, Y, D (behind A)]
%%            [E]         a stranger to them
%%
%% `D' is A's second call at the same time, e.g. of a `gather': it gets A's place when B has ended,
%% or a place that becomes free when its turn comes, whichever is first. When A ends before B, e.g.
%% since nobody waits for it any longer, the place is B's, and D waits behind A's own nearest
%% ancestor, if it has one that has not ended.
-module(py_gate).

-export([new/0, enter/4, wait/3, leave/3, let_in/2, restore/3, counts/1, is_empty/1]).

-export_type([gate/0, key/0, place/0, limit/0]).

%% One call, from when it asks to be let in until it has ended.
-type key() :: reference().
%% A place is named after whoever took it first.
-type place() :: key().
-type limit() :: pos_integer() | infinity.
-type turn() :: pos_integer().

-record(gate, {
    keys = #{} :: #{key() => {in, place()} | {waiting, turn()}},
    %% Innermost first; never empty.
    places = #{} :: #{place() => [key(), ...]},
    line = gb_trees:empty() :: gb_trees:tree(turn(), waiting()),
    %% Of those in line: who waits behind which living nearest ancestor.
    behind = #{} :: #{key() => gb_sets:set(turn())},
    last_turn = 0 :: non_neg_integer()
}).

%% With the ancestors that were in when it came, nearest first.
-type waiting() :: {key(), Ancestors :: [key()], Nearest :: key() | none}.
-type entered() :: [{key(), place()}].

-opaque gate() :: #gate{}.

-spec new() -> gate().
new() ->
    #gate{}.

%% Lets `Key' in if there is a place for it: its nearest ancestor's, or a free one. Nobody can be in
%% line for the same one: it would have been let in already.
-spec enter(key(), Ancestors :: [key()], limit(), gate()) -> {ok, place(), gate()} | full.
enter(Key, Ancestors, Limit, Gate = #gate{places = Places}) ->
    case lent_by(nearest(Ancestors, Gate), Gate) of
        {ok, Place} -> {ok, Place, push(Key, Place, Gate)};
        %% `infinity' is more than any number.
        none when map_size(Places) < Limit -> {ok, Key, push(Key, Key, Gate)};
        none -> full
    end.

%% For a key that enter/4 has found no place for.
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

%% A call has ended, or one in line waits no longer. Returns those who are let in instead.
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

%% Those who are let in when the limit is now this.
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

%% One that is known to be in, as the innermost one of its place.
-spec restore(key(), place(), gate()) -> gate().
restore(Key, Place, Gate) ->
    push(Key, Place, Gate).

%% How many calls run, on how many places, and how many wait.
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

%% The ancestor's place, unless it has lent that to another one.
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

%% With the one that is now the innermost, if there is any.
-spec pop(key(), place(), gate()) -> {[key()], gate()}.
pop(Key, Place, Gate = #gate{places = Places}) ->
    #{Place := Stack} = Places,
    case lists:delete(Key, Stack) of
        [] -> {[], Gate#gate{places = maps:remove(Place, Places)}};
        [Innermost | _] = Left -> {[Innermost], Gate#gate{places = Places#{Place := Left}}}
    end.

%% Each goes on behind its next ancestor; returns those.
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

%% The first one behind each of these that can lend its place.
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
