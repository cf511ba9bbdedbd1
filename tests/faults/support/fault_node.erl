%% SPDX-License-Identifier: Apache-2.0
%% Nodes that a fault may end, or that have a smaller limit of some resource.
-module(fault_node).

-export([start/0, start/1, call/4, stop/1]).

%% In milliseconds: a node that has not answered after this time hangs.
-define(LIMIT, 120000).

-spec start() -> {ok, pid()}.
start() ->
    start([]).

%% `Arguments' are further arguments of `erl'. A socket connects the node: standard output is
%% Python's.
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
