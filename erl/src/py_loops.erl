%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that there are now, wherever they are supervised: the context that each one
%% runs in, and its channel once it runs, so that a coroutine is submitted without asking the
%% loop's process. Closes the context of a loop whose process is gone, however it ended.
-module(py_loops).
-behaviour(gen_server).

-export([create_table/0, start_link/0, add/1, ready/1, channel/1, all/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-export_type([loop/0]).

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.

%% Rows are `{Pid, Context, Channel | starting}'; the supervisor owns the table.
-define(TABLE, ?MODULE).

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The calling process is a loop that is starting in this context.
-spec add(py_nif:context()) -> ok | not_running.
add(Context) ->
    try
        gen_server:call(?MODULE, {add, Context}, infinity)
    catch
        exit:_ -> not_running
    end.

%% The calling process is a loop that runs from now on.
-spec ready(py_nif:channel()) -> ok.
ready(Channel) ->
    true = ets:update_element(?TABLE, self(), {3, Channel}),
    ok.

-spec channel(loop()) -> {ok, py_nif:channel()} | not_running.
channel(Loop) when is_pid(Loop) ->
    try ets:lookup(?TABLE, Loop) of
        [{_, _, Channel}] when Channel =/= starting ->
            case is_process_alive(Loop) of
                true -> {ok, Channel};
                false -> not_running
            end;
        _ ->
            not_running
    catch
        %% The application is not started.
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
    [Pid || {Pid, _Context, _Channel} <- ets:tab2list(?TABLE)].

-spec init([]) -> {ok, []}.
init([]) ->
    lists:foreach(fun(Pid) -> monitor(process, Pid) end, all()),
    {ok, []}.

-spec handle_call(term(), gen_server:from(), []) -> {reply, ok, []}.
handle_call({add, Context}, {Pid, _}, State) ->
    true = ets:insert(?TABLE, {Pid, Context, starting}),
    _ = monitor(process, Pid),
    {reply, ok, State}.

-spec handle_cast(term(), []) -> {noreply, []}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), []) -> {noreply, []}.
handle_info({'DOWN', _Monitor, process, Pid, _Reason}, State) ->
    %% Its thread ends when the loop has ended, which the end of the process brings about.
    [{_, Context, _}] = ets:take(?TABLE, Pid),
    ok = py_nif:close_context(Context),
    {noreply, State};
handle_info(_Message, State) ->
    {noreply, State}.
