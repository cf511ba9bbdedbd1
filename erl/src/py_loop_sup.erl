%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Supervises the hosted loops of the application's configuration (`loops'), and the default loop
%% from its first use on. Loops of a user's own application belong into that application's tree.
-module(py_loop_sup).
-behaviour(supervisor).

-export([start_link/1, default_channel/0]).
-export([init/1]).

-define(DEFAULT, py_default_loop).

%% More restarts than this, within so many seconds, and the application ends. Loops that are killed
%% are far from it; one whose main coroutine fails at once is not.
-define(INTENSITY, 50).
-define(PERIOD, 10).

-spec start_link([py_loop:options()]) -> supervisor:startlink_ret().
start_link(Loops) ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, Loops).

%% The channel of the default loop, which is started if need be.
-spec default_channel() -> {ok, py_nif:channel()} | {error, term()}.
default_channel() ->
    case py_loops:channel(?DEFAULT) of
        {ok, _} = Found -> Found;
        not_running -> start_default()
    end.

-spec start_default() -> {ok, py_nif:channel()} | {error, term()}.
start_default() ->
    try supervisor:start_child(?MODULE, py_loop:child_spec(#{name => ?DEFAULT})) of
        {error, {Why, Child}} when element(1, Child) =:= child, Why =/= killed -> {error, Why};
        %% It runs, perhaps since just now, or was killed and is about to be restarted.
        _ ->
            case py_loops:channel(?DEFAULT) of
                {ok, _} = Found -> Found;
                not_running -> {error, disconnected}
            end
    catch
        exit:_ -> {error, not_running}
    end.

-spec init([py_loop:options()]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(Loops) ->
    await_orphans(),
    Children = [
        (py_loop:child_spec(Options))#{id => {py_loop, Number}}
     || {Number, Options} <- lists:enumerate(Loops)
    ],
    {ok, {#{strategy => one_for_one, intensity => ?INTENSITY, period => ?PERIOD}, Children}}.

%% If this process was killed, its loops are stopping gracefully still, with names and ports in use.
-spec await_orphans() -> ok.
await_orphans() ->
    py_process_ends:await([Loop || Loop <- py_loops:all(), is_ours(Loop)]).

-spec is_ours(pid()) -> boolean().
is_ours(Loop) ->
    case process_info(Loop, dictionary) of
        {dictionary, Dictionary} ->
            lists:prefix([?MODULE], proplists:get_value('$ancestors', Dictionary, []));
        undefined ->
            false
    end.
