%% SPDX-License-Identifier: Apache-2.0
%% @doc The floor below `erlang.call': a native thread and an Erlang process that wait for each
%% other over a channel, without Python.
-module(ping_pong).

-export([run/2]).

-on_load(load/0).

-opaque table() :: reference().
-export_type([table/0]).

%% @doc Plays the rounds; returns the duration of each in nanoseconds.
-spec run(Rounds :: pos_integer(), SpinMicroseconds :: non_neg_integer()) -> [pos_integer()].
run(Rounds, SpinMicroseconds) ->
    Table = open(),
    Ref = make_ref(),
    Opponent = spawn_link(fun() -> answer(Table) end),
    ok = play(Table, Opponent, Ref, Rounds, SpinMicroseconds),
    receive
        {ping_pong, Ref, Times} when is_list(Times) ->
            Opponent ! stop,
            Times
    end.

-spec answer(table()) -> ok.
answer(Table) ->
    receive
        {ping, Round} ->
            ok = pong(Table, Round),
            answer(Table);
        stop ->
            ok
    end.

-spec open() -> table().
open() ->
    erlang:nif_error(nif_not_loaded).

-spec play(table(), pid(), reference(), pos_integer(), non_neg_integer()) -> ok.
play(_Table, _Opponent, _Ref, _Rounds, _SpinMicroseconds) ->
    erlang:nif_error(nif_not_loaded).

-spec pong(table(), non_neg_integer()) -> ok.
pong(_Table, _Round) ->
    erlang:nif_error(nif_not_loaded).

%% The library is in the folder of this module's compiled file.
-spec load() -> ok | {error, term()}.
load() ->
    erlang:load_nif(filename:join(filename:dirname(code:which(?MODULE)), "ping_pong_nif"), 0).
