%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that there are now, wherever they are supervised: the context that each one
%% runs in, and its channel once it runs, so that a coroutine is submitted without asking the
%% loop's process. A loop whose process was killed leaves its context here to be closed.
-module(py_loops).

-export([create_table/0, available/0, add/2, ready/2, remove/1, channel/1, all/0, close_orphans/0]).

-export_type([loop/0]).

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.

%% Rows are `{Pid, Context, Channel | starting}'.
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

-spec add(pid(), py_nif:context()) -> ok.
add(Pid, Context) ->
    close_orphans(),
    true = ets:insert(?TABLE, {Pid, Context, starting}),
    ok.

-spec ready(pid(), py_nif:channel()) -> ok.
ready(Pid, Channel) ->
    true = ets:update_element(?TABLE, Pid, {3, Channel}),
    ok.

%% Closes the loop's context. Fine without the table: a loop may outlive the application.
-spec remove(pid()) -> ok.
remove(Pid) ->
    try ets:take(?TABLE, Pid) of
        [{_, Context, _}] -> py_nif:close_context(Context);
        [] -> ok
    catch
        error:badarg -> ok
    end.

-spec channel(loop()) -> {ok, py_nif:channel()} | not_running.
channel(Loop) when is_pid(Loop) ->
    try ets:lookup(?TABLE, Loop) of
        [{_, _, Channel}] when Channel =/= starting -> {ok, Channel};
        _ -> not_running
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
        true -> [Pid || {Pid, _Context, _Channel} <- ets:tab2list(?TABLE)];
        false -> []
    end.

-spec close_orphans() -> ok.
close_orphans() ->
    lists:foreach(fun remove/1, [Pid || Pid <- all(), not is_process_alive(Pid)]).
