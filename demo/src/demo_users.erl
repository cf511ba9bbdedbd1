%% SPDX-License-Identifier: Apache-2.0
%% @doc The users, in an ETS table that any process may read.
-module(demo_users).

-export([new/0, get/1]).

-type user() :: #{
    id := integer(), name := binary(), role := binary(), born := integer(), visits := integer()
}.
-export_type([user/0]).

-define(VISITS, 5).

%% @doc Makes the table, which belongs to the calling process.
-spec new() -> ok.
new() ->
    ?MODULE = ets:new(?MODULE, [named_table, public, {read_concurrency, true}]),
    true = ets:insert(?MODULE, [
        {1, <<"Ada Lovelace">>, <<"mathematician">>, 1815, 0},
        {2, <<"Agner Krarup Erlang">>, <<"telephone engineer">>, 1878, 0},
        {3, <<"Grace Hopper">>, <<"compiler writer">>, 1906, 0},
        {4, <<"Alan Turing">>, <<"logician">>, 1912, 0},
        {5, <<"Erna Schneider Hoover">>, <<"switching engineer">>, 1926, 0},
        {6, <<"Edsger Dijkstra">>, <<"programmer">>, 1930, 0},
        {7, <<"Margaret Hamilton">>, <<"software engineer">>, 1936, 0}
    ]),
    ok.

%% @doc Returns the user with this number and counts the visit; `none' when there is no such user.
-spec get(Id :: integer()) -> user() | none.
get(Id) ->
    try ets:update_counter(?MODULE, Id, {?VISITS, 1}) of
        Visits ->
            [{Id, Name, Role, Born, _}] = ets:lookup(?MODULE, Id),
            #{id => Id, name => Name, role => Role, born => Born, visits => Visits}
    catch
        error:badarg -> none
    end.
