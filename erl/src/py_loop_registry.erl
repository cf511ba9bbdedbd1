%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that exist now, under any supervisor: the context of each loop, and its channel
%% once the loop runs. So a coroutine is submitted without a message to the loop's process. The
%% context of a loop closes when the loop's process dies.
%%
%% A killed process is gone before its thread. The loop then is only about to end, and may still
%% hold ports and files. Its successor waits here for the end of the thread. Otherwise the restarts
%% of a supervisor would fail one after the other until the supervisor gives up.
%%
%% For the same reason a starting loop needs no other process: it writes its own row, and itself
%% waits for the threads before it. This process only removes the rows of ended loops. A loop can
%% start while this process is being restarted.
%%
%% If the application is killed, the table may vanish at any moment, and a new one may follow. Then
%% a loop has no row.
-module(py_loop_registry).
-behaviour(gen_server).

-export([create_table/0, start_link/0, close/0, is_open/0, add/3, ready/1, channel/1, check/1]).
-export([all/0, all_by_start/0, retired/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-export_type([loop/0, claim/0]).

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.

%% Two loops with a common key do the same work, so they run one after the other.
-type claim() :: term().

%% Rows are `{Pid, {Ref, Context}, Channel | none, Claims, Number}'. `Ref' is the reference with
%% which the context was made. `Number' grows from start to start. The supervisor owns the table.
%% The row of a dead process stays until its thread has ended.
-define(TABLE, ?MODULE).

%% Milliseconds: longer than the forced end of a loop takes. A loop that runs code which nothing can
%% interrupt may not end even then. Its successor does not wait longer.
-define(PREDECESSOR_TIMEOUT, 5000).

-record(state, {
    %% Loops whose processes are monitored.
    watched = #{} :: #{pid() => []},
    %% Dead processes whose threads have not ended, by the references of their contexts.
    ending = #{} :: #{reference() => pid()}
}).

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The application stops: no loop starts from now on.
-spec close() -> ok | not_running.
close() ->
    try ets:insert(?TABLE, {closed}) of
        true -> ok
    catch
        error:badarg -> not_running
    end.

%% Whether loops can start. The table lives as long as the application.
-spec is_open() -> boolean().
is_open() ->
    try
        not ets:member(?TABLE, closed)
    catch
        error:badarg -> false
    end.

%% Called by the process of a starting loop, with its context and the context's `Ref'. Returns when
%% all earlier loops of the same work whose processes are dead have ended.
-spec add(Ref :: reference(), py_nif:context(), [claim()]) -> ok | not_running.
add(Ref, Context, Claims) ->
    Row = {self(), {Ref, Context}, none, Claims, erlang:unique_integer([monotonic])},
    try ets:insert(?TABLE, Row) of
        true ->
            ok = gen_server:cast(?MODULE, added),
            %% Only now: from here on, whoever closes the table sees this loop.
            case is_open() of
                true -> await_ends(predecessors(Claims));
                false -> not_running
            end
    catch
        error:badarg -> not_running
    end.

%% Called by the process of a loop that runs from now on.
-spec ready(py_nif:channel()) -> ok | not_running.
ready(Channel) ->
    set_channel(Channel).

-spec channel(loop()) -> {ok, py_nif:channel()} | not_running.
channel(Loop) when is_pid(Loop) ->
    try ets:lookup(?TABLE, Loop) of
        [{_, _, Channel, _, _}] when Channel =/= none ->
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
channel({via, Module, Name}) when is_atom(Module) ->
    channel(Module:whereis_name(Name));
channel(_Loop) ->
    error(badarg).

%% Fails with `badarg' for a term that can be no loop, by its type.
-spec check(term()) -> ok.
check({global, _}) -> ok;
check({via, Module, _}) when is_atom(Module) -> ok;
check(Loop) when is_pid(Loop); is_atom(Loop) -> ok;
check(_Loop) -> error(badarg).

-spec all() -> [pid()].
all() ->
    lists:filter(fun is_process_alive/1, pids()).

-spec pids() -> [pid()].
pids() ->
    select([{{'$1', '_', '_', '_', '_'}, [], ['$1']}]).

%% In the order in which they were started.
-spec all_by_start() -> [pid()].
all_by_start() ->
    Rows = select([{{'$1', '_', '_', '_', '$2'}, [], [{{'$2', '$1'}}]}]),
    [Pid || {_, Pid} <- lists:sort(Rows), is_process_alive(Pid)].

%% Called by the process of a loop whose Python side has ended.
-spec retired() -> ok.
retired() ->
    _ = set_channel(none),
    ok.

-spec set_channel(py_nif:channel() | none) -> ok | not_running.
set_channel(Channel) ->
    try ets:update_element(?TABLE, self(), {3, Channel}) of
        true -> ok;
        false -> not_running
    catch
        error:badarg -> not_running
    end.

-spec select(ets:match_spec()) -> [term()].
select(Spec) ->
    try
        ets:select(?TABLE, Spec)
    catch
        error:badarg -> []
    end.

-spec init([]) -> {ok, #state{}}.
init([]) ->
    {ok, watch_new(#state{})}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {noreply, #state{}}.
handle_call(_Request, _From, State) ->
    {noreply, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(added, State) ->
    {noreply, watch_new(State)};
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({'DOWN', _Monitor, process, Pid, _Reason}, State = #state{ending = Ending}) ->
    [{_, {Ref, Context}, _, _, _}] = ets:lookup(?TABLE, Pid),
    %% The end of a process closes the contexts that it made. Their threads end after the loop.
    ok = py_nif:watch_context(Context),
    {noreply, State#state{ending = Ending#{Ref => Pid}}};
handle_info({py_result, Ref, ended}, State = #state{watched = Watched, ending = Ending}) ->
    {Pid, Rest} = maps:take(Ref, Ending),
    true = ets:delete(?TABLE, Pid),
    {noreply, State#state{watched = maps:remove(Pid, Watched), ending = Rest}};
handle_info(_Message, State) ->
    {noreply, State}.

%% Looks at all rows without a monitor, not only at the row of the sender. This process may have
%% been restarted between the sender's row and its message.
-spec watch_new(#state{}) -> #state{}.
watch_new(State = #state{watched = Watched}) ->
    New = [Pid || Pid <- pids(), not is_map_key(Pid, Watched)],
    lists:foreach(fun(Pid) -> monitor(process, Pid) end, New),
    State#state{watched = maps:merge(Watched, maps:from_keys(New, []))}.

%% Only threads of dead processes: living loops may share their work, e.g. a port.
-spec predecessors([claim()]) -> #{Ref :: reference() => py_nif:context()}.
predecessors(Claims) ->
    Rows = select([{{'$1', '$2', '_', '$3', '_'}, [], ['$$']}]),
    maps:from_list([
        Thread
     || [Pid, Thread, Others] <- Rows,
        lists:any(fun(Claim) -> lists:member(Claim, Others) end, Claims),
        not is_process_alive(Pid)
    ]).

%% A message that comes after the deadline is ignored by the loop's process.
-spec await_ends(#{reference() => py_nif:context()}) -> ok.
await_ends(Threads) ->
    lists:foreach(fun py_nif:watch_context/1, maps:values(Threads)),
    Deadline = py_deadline:in(?PREDECESSOR_TIMEOUT),
    lists:foreach(fun(Ref) -> await_end(Ref, Deadline) end, maps:keys(Threads)).

-spec await_end(reference(), py_deadline:deadline()) -> ok.
await_end(Ref, Deadline) ->
    receive
        {py_result, Ref, ended} -> ok
    after py_deadline:left(Deadline) ->
        logger:warning("hosted loop ~tp starts, but the loop before did not end within ~b ms", [
            self(), ?PREDECESSOR_TIMEOUT
        ])
    end.
