%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Supervises the hosted loops of the application's configuration (`loops'). Loops of a user's own
%% application belong into that application's tree.
-module(py_loop_sup).
-behaviour(supervisor).

-export([start_link/1]).
-export([init/1]).

-spec start_link([py_loop:options()]) -> supervisor:startlink_ret().
start_link(Loops) ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, Loops).

-spec init([py_loop:options()]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(Loops) ->
    await_orphans(),
    Children = [
        (py_loop:child_spec(Options))#{id => {py_loop, Number}}
     || {Number, Options} <- lists:enumerate(Loops)
    ],
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10}, Children}}.

%% If this process was killed, its loops are stopping gracefully still, with names and ports in use.
-spec await_orphans() -> ok.
await_orphans() ->
    Monitors = [monitor(process, Loop) || Loop <- py_loops:all(), is_ours(Loop)],
    lists:foreach(
        fun(Monitor) ->
            receive
                {'DOWN', Monitor, process, _, _} -> ok
            end
        end,
        Monitors
    ).

-spec is_ours(pid()) -> boolean().
is_ours(Loop) ->
    case process_info(Loop, dictionary) of
        {dictionary, Dictionary} ->
            lists:prefix([?MODULE], proplists:get_value('$ancestors', Dictionary, []));
        undefined ->
            false
    end.
