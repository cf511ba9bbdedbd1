%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The process behind the channel of an event loop. Each call of the loop gets a worker process. If
%% this process dies, the native side notices and ends all calls of the channel.
%%
%% A worker ends its call itself, unlinks itself and sends a message. Or the worker dies, for
%% whatever reason (also `exit(self(), normal)'), and this process ends the call. Workers are
%% linked, so that they die with their handler, which traps exits.
%%
%% A worker that traps exits would outlive a killed handler. So the handler has a guard, which is
%% linked to nobody. The guard kills such a worker after the same time that a cancelled worker has.
%%
%% The process dictionary is the index of workers, in both directions (`Pid => Id', `Id => Pid'). It
%% is half a microsecond a call faster than maps (measured), and makes no garbage.
-module(py_loop_handler).

-export([start_link/1, init/2, loop/3, guard/1]).
-export([system_continue/3, system_terminate/4, system_code_change/4, system_get_state/1]).

%% `resting': nothing has happened for a while, and there is no garbage.
-type mode() :: busy | resting.

%% The time until the handler rests, in milliseconds. A burst of calls leaves tens of megabytes of
%% garbage, which would stay until the next burst.
-define(REST_AFTER, 1000).

%% The time that a cancelled worker which traps exits has to clean up, in milliseconds.
-define(CANCEL_GRACE, 1000).

-define(NO_ROOM, <<"the node has no room for another Erlang process; start it with a higher +P">>).

%% Returns when the new process is attached to the channel; `ignore' if the channel is closed.
-spec start_link(py_nif:channel()) -> {ok, pid()} | ignore | {error, term()}.
start_link(Channel) ->
    proc_lib:start_link(?MODULE, init, [self(), Channel]).

-spec init(Parent :: pid(), py_nif:channel()) -> ok.
init(Parent, Channel) ->
    process_flag(trap_exit, true),
    %% Thousands of ended workers may report at once. Off the heap, their messages slow down no
    %% garbage collection.
    process_flag(message_queue_data, off_heap),
    case py_nif:attach(Channel) of
        ok ->
            start_guard(),
            proc_lib:init_ack(Parent, {ok, self()}),
            loop(Parent, Channel, resting);
        closed ->
            proc_lib:init_ack(Parent, ignore)
    end.

-spec loop(Parent :: pid(), py_nif:channel(), mode()) -> ok.
loop(Parent, Channel, Mode) ->
    receive
        {calls, Calls} ->
            start_workers(Channel, Calls),
            ?MODULE:loop(Parent, Channel, busy);
        {ended, Pid} ->
            _ = erase(erase(Pid)),
            ?MODULE:loop(Parent, Channel, busy);
        {'EXIT', Parent, Reason} ->
            stop_workers(),
            exit(Reason);
        {'EXIT', Pid, Reason} ->
            worker_died(Channel, Pid, Reason),
            ?MODULE:loop(Parent, Channel, busy);
        {cancel, Ids} ->
            cancel(Ids),
            ?MODULE:loop(Parent, Channel, Mode);
        {kill_workers, Pids} ->
            kill(Pids),
            ?MODULE:loop(Parent, Channel, Mode);
        stop ->
            stop_workers();
        {system, From, Request} ->
            sys:handle_system_msg(Request, From, Parent, ?MODULE, [], {Channel, Mode});
        _Stray ->
            ?MODULE:loop(Parent, Channel, Mode)
    after rest_after(Mode) ->
        true = erlang:garbage_collect(),
        ?MODULE:loop(Parent, Channel, resting)
    end.

-spec rest_after(mode()) -> timeout().
rest_after(busy) -> ?REST_AFTER;
rest_after(resting) -> infinity.

-spec start_workers(py_nif:channel(), [py_nif:gathered_call()]) -> ok.
start_workers(Channel, [{Id, Name, Args, Options} | Calls]) ->
    try spawn_opt(py_function_call, work, [self(), Channel, Id, Name, Args, Options], [link]) of
        Pid ->
            put(Pid, Id),
            put(Id, Pid)
    catch
        %% Only this call ends; the others go on.
        error:system_limit -> py_nif:fail(Channel, Id, overloaded, system_limit, [], ?NO_ROOM, default)
    end,
    start_workers(Channel, Calls);
start_workers(_Channel, []) ->
    ok.

-spec worker_died(py_nif:channel(), pid() | port(), Reason :: term()) -> ok.
worker_died(Channel, Pid, Reason) ->
    case erase(Pid) of
        undefined ->
            %% A process that somebody has linked to this one.
            ok;
        Id ->
            erase(Id),
            py_function_call:died(Channel, Id, Reason)
    end.

%% Workers that have ended, and calls that were never sent, have no process here.
-spec cancel([py_nif:call_id()]) -> ok.
cancel(Ids) ->
    case [Pid || Pid <- [get(Id) || Id <- Ids], is_pid(Pid)] of
        [] -> ok;
        Pids -> shut_down(Pids)
    end.

-spec shut_down([pid()]) -> ok.
shut_down(Pids) ->
    lists:foreach(fun(Pid) -> exit(Pid, shutdown) end, Pids),
    _ = erlang:send_after(?CANCEL_GRACE, self(), {kill_workers, Pids}),
    ok.

-spec kill([pid()]) -> ok.
kill(Pids) ->
    lists:foreach(fun(Pid) -> exit(Pid, kill) end, [Pid || Pid <- Pids, get(Pid) =/= undefined]).

-spec start_guard() -> ok.
start_guard() ->
    try
        _ = spawn(?MODULE, guard, [self()]),
        ok
    catch
        error:system_limit -> ok
    end.

%% The whole life of a handler's guard.
-spec guard(Handler :: pid()) -> ok.
guard(Handler) ->
    Monitor = monitor(process, Handler),
    receive
        {'DOWN', Monitor, process, Handler, Reason} when Reason =:= normal; Reason =:= shutdown ->
            ok;
        {'DOWN', Monitor, process, Handler, _Reason} ->
            receive
            after ?CANCEL_GRACE -> ok
            end,
            lists:foreach(
                fun(Pid) -> exit(Pid, kill) end,
                [Pid || Pid <- processes() -- [self()], is_of(Handler, Pid)]
            )
    end.

-spec is_of(Handler :: pid(), pid()) -> boolean().
is_of(Handler, Pid) ->
    process_info(Pid, parent) =:= {parent, Handler}.

%% The channel is closed: nobody waits for these calls.
-spec stop_workers() -> ok.
stop_workers() ->
    case workers() of
        [] ->
            ok;
        Pids ->
            shut_down(Pids),
            await_workers(length(Pids))
    end.

-spec await_workers(Left :: non_neg_integer()) -> ok.
await_workers(0) ->
    ok;
await_workers(Left) ->
    receive
        {ended, Pid} ->
            await_workers(Left - forget(Pid));
        {'EXIT', Pid, _Reason} ->
            await_workers(Left - forget(Pid));
        {kill_workers, Pids} ->
            kill(Pids),
            await_workers(Left)
    end.

-spec forget(pid() | port()) -> Workers :: 0 | 1.
forget(Pid) ->
    case erase(Pid) of
        undefined -> 0;
        _Id -> 1
    end.

-spec workers() -> [pid()].
workers() ->
    [Pid || Pid <- get_keys(), is_pid(Pid)].

%% For sys: the handler can be inspected and upgraded like any OTP process.

-spec system_continue(pid(), [sys:debug_option()], {py_nif:channel(), mode()}) -> ok.
system_continue(Parent, _Debug, {Channel, Mode}) ->
    ?MODULE:loop(Parent, Channel, Mode).

-spec system_terminate(term(), pid(), [sys:debug_option()], {py_nif:channel(), mode()}) ->
    no_return().
system_terminate(Reason, _Parent, _Debug, _State) ->
    stop_workers(),
    exit(Reason).

-spec system_code_change(State, module(), term(), term()) -> {ok, State} when
    State :: {py_nif:channel(), mode()}.
system_code_change(State, _Module, _OldVersion, _Extra) ->
    {ok, State}.

-spec system_get_state({py_nif:channel(), mode()}) ->
    {ok, {py_nif:channel(), mode(), Workers :: [pid()]}}.
system_get_state({Channel, Mode}) ->
    {ok, {Channel, Mode, workers()}}.
