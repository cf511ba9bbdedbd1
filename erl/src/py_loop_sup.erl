%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Supervises the hosted loops of the application's configuration (`loops'), and the loop of
%% py_default_loop from its first use on. Loops of a user's application belong into the tree of that application.
-module(py_loop_sup).
-behaviour(supervisor).

-export([start_link/1, add_loop/2, start_loop/1]).
-export([init/1]).

%% More restarts within the period end the application. Killed loops stay far below this limit. A
%% loop whose main coroutine fails at once reaches it.
-define(INTENSITY, 50).
-define(PERIOD, 10).

-spec start_link([py_loop:options()]) -> supervisor:startlink_ret().
start_link(Loops) ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, Loops).

-spec add_loop(Id :: term(), py_loop:options()) -> supervisor:startchild_ret().
add_loop(Id, Options) ->
    supervisor:start_child(?MODULE, child_spec(Id, Options)).

-spec init([py_loop:options()]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(Loops) ->
    await_orphans(),
    Children = [
        child_spec({py_loop, Number}, Options)
     || {Number, Options} <- lists:enumerate(Loops)
    ],
    {ok, {#{strategy => one_for_one, intensity => ?INTENSITY, period => ?PERIOD}, Children}}.

-spec child_spec(Id :: term(), py_loop:options()) -> supervisor:child_spec().
child_spec(Id, Options) ->
    (py_loop:child_spec(Options))#{id => Id, start => {?MODULE, start_loop, [Options]}}.

%% A loop that crashes while all loops are ending is not restarted. That is no failure.
-spec start_loop(py_loop:options()) -> {ok, pid()} | ignore | {error, term()}.
start_loop(Options) ->
    case py_loop:start_link(Options) of
        {error, not_running} -> ignore;
        Started -> Started
    end.

%% If this process was killed, its loops are still stopping gracefully, and use names and ports.
-spec await_orphans() -> ok.
await_orphans() ->
    py_processes:await_down([Loop || Loop <- py_loop_registry:all(), is_ours(Loop)]).

-spec is_ours(pid()) -> boolean().
is_ours(Loop) ->
    case process_info(Loop, dictionary) of
        {dictionary, Dictionary} ->
            lists:prefix([?MODULE], proplists:get_value('$ancestors', Dictionary, []));
        undefined ->
            false
    end.
