%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The workers of a handler: one process for each call. The handler calls these functions; it traps
%% exits. A map (py_function_map) is such a worker. It has workers itself, one for each item, and calls
%% start_guard/0 and stop/1.
%%
%% A worker ends its call itself, unlinks itself and sends `{ended, Pid}'. Or the worker dies, for
%% whatever reason (also `exit(self(), normal)'), and the handler ends the call. Workers are linked,
%% so that they die with their handler.
%%
%% A worker that traps exits would outlive a killed handler. So the handler has a guard, which is
%% linked to nobody. The guard kills such a worker after the same time that a cancelled worker has.
%% Neither the guard nor the handler kills a map: a map ends when its own workers have ended.
%%
%% The process dictionary is the index of workers, in both directions (`Pid => Id', `Id => Pid'). It
%% is half a microsecond a call faster than maps (measured), and makes no garbage.
-module(py_workers).

-export([start_guard/0, start/5, ended/1, died/3, cancel/1, kill/1, stop_all/0, stop/1]).
-export([all/0, guard/1]).

%% The time that a cancelled worker which traps exits has to clean up, in milliseconds.
-define(CANCEL_GRACE, 1000).

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
            ok = py_function_call:finish(Caller, Id, py_function_call:no_room(), default),
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
    kill_processes([Pid || Pid <- Pids, get(Pid) =/= undefined]).

%% Nobody waits for the calls any more. Returns when the workers have ended.
-spec stop_all() -> ok.
stop_all() ->
    stop(all()).

-spec all() -> [pid()].
all() ->
    [Pid || Pid <- get_keys(), is_pid(Pid)].

%% Stops these workers, some of which may have ended. Returns when all have ended. Drops every other
%% message: the calling process is about to end.
-spec stop([pid()]) -> ok.
stop([]) ->
    ok;
stop(Pids) ->
    Monitors = maps:from_list([{monitor(process, Pid), Pid} || Pid <- Pids]),
    lists:foreach(fun(Pid) -> exit(Pid, shutdown) end, Pids),
    await(Monitors, erlang:start_timer(?CANCEL_GRACE, self(), kill)).

-spec await(#{reference() => pid()}, Timer :: reference()) -> ok.
await(Monitors, _Timer) when map_size(Monitors) =:= 0 ->
    ok;
await(Monitors, Timer) ->
    receive
        {'DOWN', Monitor, process, _Pid, _Reason} ->
            await(maps:remove(Monitor, Monitors), Timer);
        {timeout, Timer, kill} ->
            kill_processes(maps:values(Monitors)),
            await(Monitors, Timer);
        _Other ->
            await(Monitors, Timer)
    end.

-spec start_guard() -> ok.
start_guard() ->
    try
        _ = spawn(?MODULE, guard, [self()]),
        ok
    catch
        error:system_limit -> ok
    end.

%% The whole life of the guard of a handler or a map.
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
            kill_processes([Pid || Pid <- processes() -- [self()], is_of(Handler, Pid)])
    end.

-spec is_of(Handler :: pid(), pid()) -> boolean().
is_of(Handler, Pid) ->
    process_info(Pid, parent) =:= {parent, Handler}.

-spec kill_processes([pid()]) -> ok.
kill_processes(Pids) ->
    lists:foreach(fun(Pid) -> exit(Pid, kill) end, [Pid || Pid <- Pids, not is_map_worker(Pid)]).

-spec is_map_worker(pid()) -> boolean().
is_map_worker(Pid) ->
    case process_info(Pid, initial_call) of
        {initial_call, {py_function_map, work, _}} -> true;
        _ -> false
    end.
