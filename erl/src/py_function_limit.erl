%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The calls of one function of limited concurrency, as a value. The process `py_function_limiter'
%% has one such value for each function.
%%
%% A gate has as many places as the limit says, and a line of waiting calls, first come, first
%% served. Nested calls of the function never come here: see py_function_call.
-module(py_function_limit).

-export([new/0, enter/2, wait/2, leave/3, let_in/2, counts/1, is_empty/1]).

-export_type([gate/0, key/0, limit/0]).

%% One call, from its request to enter until its end.
-type key() :: reference().
-type limit() :: pos_integer() | infinity.
-type turn() :: pos_integer().

-record(gate, {
    running = 0 :: non_neg_integer(),
    line = gb_trees:empty() :: gb_trees:tree(turn(), key()),
    turns = #{} :: #{key() => turn()},
    last_turn = 0 :: non_neg_integer()
}).

-opaque gate() :: #gate{}.

-spec new() -> gate().
new() ->
    #gate{}.

%% Lets a call in if there is a free place. No call waits in line then: it would be in already.
-spec enter(limit(), gate()) -> {ok, gate()} | full.
enter(Limit, Gate = #gate{running = Running}) ->
    case has_room(Limit, Gate) of
        true -> {ok, Gate#gate{running = Running + 1}};
        false -> full
    end.

%% Puts a call in line for which enter/2 has found no place.
-spec wait(key(), gate()) -> gate().
wait(Key, Gate = #gate{line = Line, turns = Turns, last_turn = Last}) ->
    Turn = Last + 1,
    Gate#gate{
        line = gb_trees:insert(Turn, Key, Line), turns = Turns#{Key => Turn}, last_turn = Turn
    }.

%% A call has ended or has left the line. Returns the calls that are let in instead.
-spec leave(key(), limit(), gate()) -> {Entered :: [key()], gate()}.
leave(Key, Limit, Gate = #gate{running = Running, line = Line, turns = Turns}) ->
    case maps:take(Key, Turns) of
        {Turn, Rest} -> {[], Gate#gate{line = gb_trees:delete(Turn, Line), turns = Rest}};
        error -> let_in(Limit, Gate#gate{running = Running - 1})
    end.

%% Applies a limit; returns the calls that are let in.
-spec let_in(limit(), gate()) -> {Entered :: [key()], gate()}.
let_in(Limit, Gate = #gate{running = Running, line = Line, turns = Turns}) ->
    case has_room(Limit, Gate) andalso not gb_trees:is_empty(Line) of
        true ->
            {_Turn, Key, Line1} = gb_trees:take_smallest(Line),
            {Entered, Gate1} = let_in(Limit, Gate#gate{
                running = Running + 1, line = Line1, turns = maps:remove(Key, Turns)
            }),
            {[Key | Entered], Gate1};
        false ->
            {[], Gate}
    end.

-spec counts(gate()) -> #{running | waiting => non_neg_integer()}.
counts(#gate{running = Running, turns = Turns}) ->
    #{running => Running, waiting => map_size(Turns)}.

-spec is_empty(gate()) -> boolean().
is_empty(Gate) ->
    counts(Gate) =:= #{running => 0, waiting => 0}.

%% In Erlang's order of terms, `infinity' is greater than any number.
-spec has_room(limit(), gate()) -> boolean().
has_room(Limit, #gate{running = Running}) ->
    Running < Limit.
