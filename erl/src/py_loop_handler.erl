%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The process behind the channel of an event loop. Each call of the loop gets a worker process. If
%% this process dies, the native side notices and ends all calls of the channel.
-module(py_loop_handler).

-export([start_link/1, init/2, loop/3]).
-export([system_continue/3, system_terminate/4, system_code_change/4, system_get_state/1]).

%% `resting': nothing has happened for a while, and there is no garbage.
-type mode() :: busy | resting.

%% The time until the handler rests, in milliseconds. A burst of calls leaves tens of megabytes of
%% garbage, which would stay until the next burst.
-define(REST_AFTER, 1000).

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
            py_workers:start_guard(),
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
            _ = py_workers:ended(Pid),
            ?MODULE:loop(Parent, Channel, busy);
        {'EXIT', Parent, Reason} ->
            py_workers:stop_all(),
            exit(Reason);
        {'EXIT', Pid, Reason} ->
            _ = py_workers:died(Channel, Pid, Reason),
            ?MODULE:loop(Parent, Channel, busy);
        {cancel, Ids} ->
            py_workers:cancel(Ids),
            ?MODULE:loop(Parent, Channel, Mode);
        {kill_workers, Pids} ->
            py_workers:kill(Pids),
            ?MODULE:loop(Parent, Channel, Mode);
        stop ->
            py_workers:stop_all();
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
start_workers(Channel, [Call | Calls]) ->
    _ = start_worker(Channel, Call),
    start_workers(Channel, Calls);
start_workers(_Channel, []) ->
    ok.

-spec start_worker(py_nif:channel(), py_nif:gathered_call()) -> Started :: boolean().
start_worker(Channel, {Id, Name, Args, Options}) ->
    Work = [self(), Channel, Id, Name, Args, Options],
    py_workers:start(Channel, Id, py_function_call, work, Work);
start_worker(Channel, {Id, Name, Items, Options, Concurrency}) ->
    Work = [self(), Channel, Id, Name, Items, Options, Concurrency],
    py_workers:start(Channel, Id, py_function_map, work, Work).

%% For sys: the handler can be inspected and upgraded like any OTP process.

-spec system_continue(pid(), [sys:debug_option()], {py_nif:channel(), mode()}) -> ok.
system_continue(Parent, _Debug, {Channel, Mode}) ->
    ?MODULE:loop(Parent, Channel, Mode).

-spec system_terminate(term(), pid(), [sys:debug_option()], {py_nif:channel(), mode()}) ->
    no_return().
system_terminate(Reason, _Parent, _Debug, _State) ->
    py_workers:stop_all(),
    exit(Reason).

-spec system_code_change(State, module(), term(), term()) -> {ok, State} when
    State :: {py_nif:channel(), mode()}.
system_code_change(State, _Module, _OldVersion, _Extra) ->
    {ok, State}.

-spec system_get_state({py_nif:channel(), mode()}) ->
    {ok, {py_nif:channel(), mode(), Workers :: [pid()]}}.
system_get_state({Channel, Mode}) ->
    {ok, {Channel, Mode, py_workers:all()}}.
