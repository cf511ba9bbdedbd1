%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The workers of a handler: one process for each call. The handler calls these functions; it traps
%% exits.
%%
%% A worker ends its call itself, unlinks itself and sends `{ended, Pid}'. Or the worker dies, for
%% whatever reason (also `exit(self(), normal)'), and the handler ends the call. Workers are linked,
%% so that they die with their handler.
%%
%% A worker that traps exits would outlive a killed handler. So the handler has a guard, which is
%% linked to nobody. The guard kills such a worker after the same time that a cancelled worker has.
%%
%% The process dictionary is the index of workers, in both directions (`Pid => Id', `Id => Pid'). It
%% is half a microsecond a call faster than maps (measured), and makes no garbage.
-module(py_workers).

-export([start_guard/0, start/5, ended/1, died/3, cancel/1, kill/1, stop_all/0, all/0, guard/1]).

%% The time that a cancelled worker which traps exits has to clean up, in milliseconds.
-define(CANCEL_GRACE, 1000).

-define(NO_ROOM, <<"the node has no room for another Erlang process; start it with a higher +P">>).

%% Starts the worker `Module:Function(Args)' of a call, or ends the call. Returns whether there is a
%% worker.
-spec start(py_reply:caller(), py_nif:call_id(), module(), Function :: atom(), Args :: list()) ->
    boolean().
start(Caller, Id, Module, Function, Args) ->
    try spawn_opt(Module, Function, Args, [link]) of
        Pid ->
            put(Pid, Id),
            put(Id, Pid),
            true
    catch
        %% Only this call ends; the others go on.
        error:system_limit ->
            ok = py_reply:failure(Caller, Id, overloaded, system_limit, [], ?NO_ROOM, default),
            false
    end.

%% The worker has ended its call.
-spec ended(pid()) -> py_nif:call_id() | undefined.
ended(Pid) ->
    Id = erase(Pid),
    _ = erase(Id),
    Id.

%% A linked process has ended. If it was a worker, its call ends.
-spec died(py_reply:caller(), pid() | port(), Reason :: term()) -> py_nif:call_id() | undefined.
died(Caller, Pid, Reason) ->
    case erase(Pid) of
        undefined ->
            %% A process that somebody has linked to this one.
            undefined;
        Id ->
            erase(Id),
            ok = py_function_call:died(Caller, Id, Reason),
            Id
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

%% For the message `{kill_workers, Pids}'.
-spec kill([pid()]) -> ok.
kill(Pids) ->
    lists:foreach(fun(Pid) -> exit(Pid, kill) end, [Pid || Pid <- Pids, get(Pid) =/= undefined]).

%% Nobody waits for the calls any more. Returns when the workers have ended.
-spec stop_all() -> ok.
stop_all() ->
    case all() of
        [] ->
            ok;
        Pids ->
            shut_down(Pids),
            await(length(Pids))
    end.

-spec all() -> [pid()].
all() ->
    [Pid || Pid <- get_keys(), is_pid(Pid)].

-spec await(Left :: non_neg_integer()) -> ok.
await(0) ->
    ok;
await(Left) ->
    receive
        {ended, Pid} ->
            await(Left - forget(Pid));
        {'EXIT', Pid, _Reason} ->
            await(Left - forget(Pid));
        {kill_workers, Pids} ->
            kill(Pids),
            await(Left)
    end.

-spec forget(pid() | port()) -> Workers :: 0 | 1.
forget(Pid) ->
    case erase(Pid) of
        undefined -> 0;
        _Id -> 1
    end.

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
