%% SPDX-License-Identifier: Apache-2.0
%% Erlang's half of the accounts. `open' to `ended': calls of Python by Erlang processes, with one
%% byte for each call as in ledger.py. `executed': the number of executions of Erlang functions that
%% Python calls. Both are atomics, so they need no process and make no garbage.
-module(soak_ledger).

-export([create/1, kinds/0, issue/2, ended/3, wrong/4, executed/1, issued/0, take/1]).
-export_type([kind/0, ending/0]).

-type kind() :: atom().
-type ending() :: value | failed | unsure | refused.

-define(KINDS, [
    call, eval, exec, call_async, cast, stream, gather, async_call, timeout, await_timeout,
    coroutine_timeout, killed_caller, killed_holder, killed_gatherer, held_context, failing, payload,
    nested, inner, no_such, hosted, hosted_stopped, hosted_restarted
]).

-define(WRONG, soak_wrong).

%% Complaints beyond this many say nothing new.
-define(MOST_WRONG, 50).

%% The same numbers as in ledger.py.
number(open) -> 1;
number(value) -> 2;
number(failed) -> 3;
number(unsure) -> 4;
number(refused) -> 5.

%% The table belongs to the process that calls this.
-spec create(Capacity :: pos_integer()) -> ok.
create(Capacity) ->
    Numbers = maps:from_list(lists:zip(?KINDS, lists:seq(0, length(?KINDS) - 1))),
    %% The last number counts the issued calls.
    States = atomics:new(Capacity + 1, []),
    Executed = atomics:new(Capacity, []),
    ?WRONG = ets:new(?WRONG, [named_table, public, ordered_set]),
    persistent_term:put(?MODULE, {Capacity, Numbers, States, Executed}).

-spec kinds() -> [kind()].
kinds() -> ?KINDS.

%% Tokens of calls that begin now: this token and the following ones.
-spec issue(kind(), Count :: pos_integer()) -> First :: non_neg_integer().
issue(Kind, Count) ->
    {Capacity, #{Kind := Number}, States, _} = persistent_term:get(?MODULE),
    End = atomics:add_get(States, Capacity + 1, Count),
    true = End =< Capacity,
    Open = Number * 8 + number(open),
    put_states(States, End - Count + 1, End, Open),
    End - Count.

put_states(_States, Index, End, _State) when Index > End ->
    ok;
put_states(States, Index, End, State) ->
    atomics:put(States, Index, State),
    put_states(States, Index + 1, End, State).

-spec ended(kind(), Token :: non_neg_integer(), ending()) -> ok.
ended(Kind, Token, Ending) ->
    {_, #{Kind := Number}, States, _} = persistent_term:get(?MODULE),
    case atomics:exchange(States, Token + 1, Number * 8 + number(Ending)) - Number * 8 of
        1 -> ok;
        _ -> complain({ended_twice, Kind, Token})
    end.

%% The call ended in a wrong way.
-spec wrong(kind(), Token :: non_neg_integer(), Expected :: term(), Result :: term()) -> ok.
wrong(Kind, Token, Expected, Result) ->
    complain({wrong, Kind, Token, {expected, Expected}, {got, Result}}),
    ended(Kind, Token, unsure).

complain(What) ->
    Text = unicode:characters_to_binary(io_lib:format("~0P", [What, 30])),
    _ = ets:info(?WRONG, size) < ?MOST_WRONG andalso
        ets:insert(?WRONG, {erlang:unique_integer([monotonic]), Text}),
    ok.

%% A call from Python is being executed.
-spec executed(Token :: non_neg_integer()) -> ok.
executed(Token) ->
    {_, _, _, Executed} = persistent_term:get(?MODULE),
    atomics:add(Executed, Token + 1, 1).

%% The number of calls that Erlang has begun since the accounts were last taken.
-spec issued() -> non_neg_integer().
issued() ->
    {Capacity, _, States, _} = persistent_term:get(?MODULE),
    atomics:get(States, Capacity + 1).

%% Returns the states of all calls from Erlang, the number of executions of each call from Python,
%% and all complaints. The next call begins at 0. Only while nothing runs.
-spec take(PythonIssued :: non_neg_integer()) -> {binary(), binary(), [binary()]}.
take(PythonIssued) ->
    {Capacity, _, States, Executed} = persistent_term:get(?MODULE),
    Issued = atomics:exchange(States, Capacity + 1, 0),
    Wrong = [Text || {_, Text} <- ets:tab2list(?WRONG)],
    ets:delete_all_objects(?WRONG),
    {drain(States, 1, Issued, <<>>), drain(Executed, 1, PythonIssued, <<>>), Wrong}.

drain(_Array, Index, End, Bytes) when Index > End ->
    Bytes;
drain(Array, Index, End, Bytes) ->
    Value = min(255, atomics:exchange(Array, Index, 0)),
    drain(Array, Index + 1, End, <<Bytes/binary, Value>>).
