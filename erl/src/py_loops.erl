%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loops that there are now, wherever they are supervised: the context that each one
%% runs in, and its channel once it runs, so that a coroutine is submitted without asking the
%% loop's process. The context of a loop whose process is gone is closed by that.
%%
%% A process that was killed is gone before its thread is: the loop is just being told to end and
%% may hold ports and files still. Whoever takes its place waits for that here, or a supervisor's
%% restarts would fail, one after the other, until it gives up.
-module(py_loops).
-behaviour(gen_server).

-export([create_table/0, start_link/0, add/3, ready/1, channel/1, is_loop/1, all/0]).
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
    %% Dead processes by the references of their contexts, whose threads have not ended yet.
    ending = #{} :: #{reference() => pid()},
    %% Starting loops: the dead ones that each waits for, and until when.
    waiting = #{} :: #{gen_server:from() => {[pid()], reference()}}
}).

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The calling process is a loop that is starting in this context, made with `Ref'. Returns when those that did the
%% same work before it, and whose processes are gone, have really ended.
-spec add(Ref :: reference(), py_nif:context(), [claim()]) -> ok | not_running.
add(Ref, Context, Claims) ->
    try
        gen_server:call(?MODULE, {add, {Ref, Context}, Claims}, infinity)
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
    lists:foreach(fun(Pid) -> monitor(process, Pid) end, pids()),
    {ok, #state{}}.

-spec handle_call(term(), gen_server:from(), #state{}) ->
    {reply, ok, #state{}} | {noreply, #state{}}.
handle_call({add, Thread, Claims}, {Pid, _} = From, State = #state{waiting = Waiting}) ->
    Predecessors = predecessors(Claims),
    true = ets:insert(?TABLE, {Pid, Thread, starting, Claims}),
    _ = monitor(process, Pid),
    case Predecessors of
        [] ->
            {reply, ok, State};
        _ ->
            Timer = erlang:start_timer(?PREDECESSOR_TIMEOUT, self(), From),
            {noreply, State#state{waiting = Waiting#{From => {Predecessors, Timer}}}}
    end.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({'DOWN', _Monitor, process, Pid, _Reason}, State = #state{ending = Ending}) ->
    [{_, {Ref, Context}, _, _}] = ets:lookup(?TABLE, Pid),
    %% A context is closed by the end of the process that made it; its thread ends after the loop.
    ok = py_nif:watch_context(Context),
    {noreply, State#state{ending = Ending#{Ref => Pid}}};
handle_info({py_result, Ref, ended}, State = #state{ending = Ending}) ->
    {Pid, Rest} = maps:take(Ref, Ending),
    {noreply, ended(Pid, State#state{ending = Rest})};
handle_info({timeout, Timer, From}, State = #state{waiting = Waiting}) ->
    case Waiting of
        #{From := {_, Timer}} ->
            logger:warning("the hosted loop before ~tp has not ended yet", [element(1, From)]),
            gen_server:reply(From, ok),
            {noreply, State#state{waiting = maps:remove(From, Waiting)}};
        _ ->
            {noreply, State}
    end;
handle_info(_Message, State) ->
    {noreply, State}.

%% Only dead ones: loops may well share their work while they live, e.g. a port.
-spec predecessors([claim()]) -> [pid()].
predecessors(Claims) ->
    Rows = ets:select(?TABLE, [{{'$1', '_', '_', '$2'}, [], ['$$']}]),
    [
        Pid
     || [Pid, Others] <- Rows,
        lists:any(fun(Claim) -> lists:member(Claim, Others) end, Claims),
        not is_process_alive(Pid)
    ].

%% The thread has ended: whoever has waited for nobody else goes on.
-spec ended(pid(), #state{}) -> #state{}.
ended(Pid, State = #state{waiting = Waiting}) ->
    true = ets:delete(?TABLE, Pid),
    Left = maps:map(fun(_, {Pids, Timer}) -> {lists:delete(Pid, Pids), Timer} end, Waiting),
    {Done, Still} = lists:partition(fun({_, {Pids, _}}) -> Pids =:= [] end, maps:to_list(Left)),
    lists:foreach(
        fun({From, {_, Timer}}) ->
            _ = erlang:cancel_timer(Timer),
            gen_server:reply(From, ok)
        end,
        Done
    ),
    State#state{waiting = maps:from_list(Still)}.
