%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that there are now, wherever they are supervised: the context that each one
%% runs in, and its channel once it runs, so that a coroutine is submitted without asking the
%% loop's process. The context of a loop whose process is gone is closed by that.
%%
%% A process that was killed is gone before its thread is: the loop is just being told to end and
%% may hold ports and files still. Whoever takes its place waits for that here, or a supervisor's
%% restarts would fail, one after the other, until it gives up.
%%
%% For the same reason a starting loop needs no other process: it writes its own row and waits for
%% the threads before it by itself. This process only removes the rows of loops that have ended. A
%% loop that starts while this process is being restarted just starts.
-module(py_loops).
-behaviour(gen_server).

-export([create_table/0, start_link/0, close/0, is_open/0, add/3, ready/1, channel/1, is_loop/1]).
-export([all/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-export_type([loop/0, claim/0]).

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.

%% Two loops that share one of these do the same work, so one after the other.
-type claim() :: term().

%% Rows are `{Pid, {Ref, Context}, Channel | starting, Claims}', with the reference that the context
%% was made with; the supervisor owns the table. That of a dead process stays until its thread has
%% ended.
-define(TABLE, ?MODULE).

%% Milliseconds: more than it takes to end a loop by force. One that does not end even so, in code
%% that nothing interrupts, holds its successor up no longer.
-define(PREDECESSOR_TIMEOUT, 5000).

-record(state, {
    %% Loops whose processes are monitored.
    watched = #{} :: #{pid() => []},
    %% Dead processes by the references of their contexts, whose threads have not ended yet.
    ending = #{} :: #{reference() => pid()}
}).

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The application stops: no further loop starts.
-spec close() -> ok.
close() ->
    true = ets:insert(?TABLE, {closed}),
    ok.

%% Whether loops can start. The table lives as long as the application.
-spec is_open() -> boolean().
is_open() ->
    try
        not ets:member(?TABLE, closed)
    catch
        error:badarg -> false
    end.

%% The calling process is a loop that is starting in this context, made with `Ref'. Returns when
%% those that did the same work before it, and whose processes are gone, have really ended.
-spec add(Ref :: reference(), py_nif:context(), [claim()]) -> ok | not_running.
add(Ref, Context, Claims) ->
    try ets:insert(?TABLE, {self(), {Ref, Context}, starting, Claims}) of
        true ->
            ok = gen_server:cast(?MODULE, added),
            await_ends(predecessors(Claims))
    catch
        error:badarg -> not_running
    end.

%% The calling process is a loop that runs from now on.
-spec ready(py_nif:channel()) -> ok.
ready(Channel) ->
    true = ets:update_element(?TABLE, self(), {3, Channel}),
    ok.

-spec channel(loop()) -> {ok, py_nif:channel()} | not_running.
channel(Loop) when is_pid(Loop) ->
    try ets:lookup(?TABLE, Loop) of
        [{_, _, Channel, _}] when Channel =/= starting ->
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
    channel(Module:whereis_name(Name));
channel(_Loop) ->
    error(badarg).

%% Whether it may be one, by its type.
-spec is_loop(term()) -> boolean().
is_loop({global, _}) -> true;
is_loop({via, Module, _}) -> is_atom(Module);
is_loop(Loop) -> is_pid(Loop) orelse is_atom(Loop).

-spec all() -> [pid()].
all() ->
    lists:filter(fun is_process_alive/1, pids()).

-spec pids() -> [pid()].
pids() ->
    ets:select(?TABLE, [{{'$1', '_', '_', '_'}, [], ['$1']}]).

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
    [{_, {Ref, Context}, _, _}] = ets:lookup(?TABLE, Pid),
    %% A context is closed by the end of the process that made it; its thread ends after the loop.
    ok = py_nif:watch_context(Context),
    {noreply, State#state{ending = Ending#{Ref => Pid}}};
handle_info({py_result, Ref, ended}, State = #state{watched = Watched, ending = Ending}) ->
    {Pid, Rest} = maps:take(Ref, Ending),
    true = ets:delete(?TABLE, Pid),
    {noreply, State#state{watched = maps:remove(Pid, Watched), ending = Rest}};
handle_info(_Message, State) ->
    {noreply, State}.

%% All rows that have no monitor yet are looked at, not just the one of the loop that says so: this
%% process may have been restarted between that loop's row and its message.
-spec watch_new(#state{}) -> #state{}.
watch_new(State = #state{watched = Watched}) ->
    New = [Pid || Pid <- pids(), not is_map_key(Pid, Watched)],
    lists:foreach(fun(Pid) -> monitor(process, Pid) end, New),
    State#state{watched = maps:merge(Watched, maps:from_keys(New, []))}.

%% The threads of dead ones only: loops may well share their work while they live, e.g. a port.
-spec predecessors([claim()]) -> #{Ref :: reference() => py_nif:context()}.
predecessors(Claims) ->
    Rows = ets:select(?TABLE, [{{'$1', '$2', '_', '$3'}, [], ['$$']}]),
    maps:from_list([
        Thread
     || [Pid, Thread, Others] <- Rows,
        lists:any(fun(Claim) -> lists:member(Claim, Others) end, Claims),
        not is_process_alive(Pid)
    ]).

%% A message that comes after the time is a stray one to the loop.
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
        logger:warning("the hosted loop before ~tp has not ended yet", [self()])
    end.
