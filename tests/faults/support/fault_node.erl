%% SPDX-License-Identifier: Apache-2.0
%% Nodes that a fault may take down, or that have less of something than others.
-module(fault_node).

-export([start/0, start/1, call/4, stop/1]).

%% A node that has not answered after so many milliseconds hangs.
-define(LIMIT, 120000).

-spec start() -> {ok, pid()}.
start() ->
    start([]).

%% `Arguments' are further ones of `erl'. Connected by a socket: standard output is Python's.
-spec start(Arguments :: [string()]) -> {ok, pid()}.
start(Arguments) ->
    Paths = lists:append([["-pa", Path] || Path <- code:get_path(), filename:pathtype(Path) =:= absolute]),
    {ok, Peer, _Node} = peer:start(#{
        connection => 0, args => Arguments ++ Paths, wait_boot => ?LIMIT
    }),
    {ok, Peer}.

-spec call(pid(), module(), atom(), [term()]) -> term().
call(Peer, Module, Function, Arguments) ->
    peer:call(Peer, Module, Function, Arguments, ?LIMIT).

-spec stop(pid()) -> ok.
stop(Peer) ->
    try
        peer:stop(Peer)
    catch
        exit:_ -> ok
    end.
