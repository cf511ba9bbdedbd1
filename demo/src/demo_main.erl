%% SPDX-License-Identifier: Apache-2.0
%% @doc Starts the demo on a node of its own (`erl -s demo_main'); the node ends with it.
-module(demo_main).

-export([start/0]).

-spec start() -> ok.
start() ->
    case application:ensure_all_started(demo, permanent) of
        {ok, _} ->
            ok;
        {error, {demo, {{ports_taken, Ports}, _}}} ->
            give_up("port ~w is taken; choose another by --port~n", [hd(Ports)]);
        {error, {App, Reason}} ->
            give_up("~p did not start: ~p~n", [App, Reason])
    end.

-spec give_up(Format :: string(), Arguments :: [term()]) -> no_return().
give_up(Format, Arguments) ->
    io:format(standard_error, "demo: " ++ Format, Arguments),
    init:stop(1),
    receive after infinity -> ok end.
