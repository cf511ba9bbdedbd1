%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that run now, wherever they are supervised: the channel of each, so that a
%% coroutine is submitted without asking the loop's process.
-module(py_loops).

-export([create_table/0, available/0, add/2, remove/1, channel/1, all/0]).

-export_type([loop/0]).

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.

-define(TABLE, ?MODULE).

%% Called by the supervisor, which thereby owns the table.
-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

%% Whether the application is started.
-spec available() -> boolean().
available() ->
    ets:whereis(?TABLE) =/= undefined.

%% Also forgets the loops whose processes were killed.
-spec add(pid(), py_nif:channel()) -> ok.
add(Pid, Channel) ->
    lists:foreach(fun remove/1, [Other || Other <- all(), not is_process_alive(Other)]),
    true = ets:insert(?TABLE, {Pid, Channel}),
    ok.

%% Fine without the table: a loop may outlive the application.
-spec remove(pid()) -> ok.
remove(Pid) ->
    try ets:delete(?TABLE, Pid) of
        true -> ok
    catch
        error:badarg -> ok
    end.

-spec channel(loop()) -> {ok, py_nif:channel()} | not_running.
channel(Loop) when is_pid(Loop) ->
    try ets:lookup(?TABLE, Loop) of
        [{_, Channel}] -> {ok, Channel};
        [] -> not_running
    catch
        error:badarg -> not_running
    end;
channel(undefined) ->
    not_running;
channel(Name) when is_atom(Name) ->
    channel(whereis(Name));
channel({global, Name}) ->
    channel(global:whereis_name(Name));
channel({via, Module, Name}) ->
    channel(Module:whereis_name(Name)).

-spec all() -> [pid()].
all() ->
    case available() of
        true -> [Pid || {Pid, _Channel} <- ets:tab2list(?TABLE)];
        false -> []
    end.
