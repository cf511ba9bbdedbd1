%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The process behind the connection of a Python process beside the node. As for a loop, each call
%% gets a worker. When the connection ends, so do its calls: the Python process has ended, or has
%% closed the connection because nobody waits.
%%
%% Garbage ends the connection. The Python process enforces the time limits of its calls, and so does
%% this process: the other one may be stopped or busy.
-module(py_process_handler).

-export([start_link/1, init/2, loop/1, go/2, work/6]).
-export([system_continue/3, system_terminate/4, system_code_change/4, system_get_state/1]).

%% Frames that may arrive before this process has to ask for more.
-define(FRAMES, 100).

%% The time until the garbage of a burst is collected, in milliseconds.
-define(REST_AFTER, 1000).

-define(UNDECODABLE, <<"the node can't decode the arguments">>).

-record(state, {
    parent :: pid(),
    socket :: gen_tcp:socket(),
    connection :: py_process_frame:connection(),
    %% The calls under way that have a time limit.
    timers = #{} :: #{py_nif:call_id() => {Timer :: reference(), Milliseconds :: pos_integer()}},
    calls = 0 :: non_neg_integer(),
    max_calls :: pos_integer(),
    is_resting = true :: boolean()
}).

%% The new process waits for go/2.
-spec start_link(gen_tcp:socket()) -> {ok, pid()} | {error, term()}.
start_link(Socket) ->
    proc_lib:start_link(?MODULE, init, [self(), Socket]).

%% The handler owns the socket now. The settings are those of the hello.
-spec go(Handler :: pid(), Settings :: map()) -> ok.
go(Handler, Settings) ->
    Handler ! {go, Settings},
    ok.

-spec init(Parent :: pid(), gen_tcp:socket()) -> ok.
init(Parent, Socket) ->
    process_flag(trap_exit, true),
    process_flag(message_queue_data, off_heap),
    py_workers:start_guard(),
    proc_lib:init_ack(Parent, {ok, self()}),
    receive
        {go, Settings} ->
            Connection = py_process_frame:connection(Socket),
            ok = py_process_frame:send_hello(Connection, Settings),
            receive_frames(#state{
                parent = Parent,
                socket = Socket,
                connection = Connection,
                max_calls = py_config:max_in_flight()
            });
        {'EXIT', Parent, Reason} ->
            exit(Reason)
    end.

-spec receive_frames(#state{}) -> ok.
receive_frames(State = #state{socket = Socket}) ->
    %% An error means that the connection has ended: the message about that comes, or has come.
    _ = inet:setopts(Socket, [{active, ?FRAMES}]),
    loop(State).

-spec loop(#state{}) -> ok.
loop(State = #state{parent = Parent, socket = Socket, connection = Connection}) ->
    receive
        {tcp, Socket, Bytes} ->
            case py_process_frame:read(Bytes) of
                {ok, Frame} -> ?MODULE:loop(take(Frame, State));
                error -> refuse(State)
            end;
        {ended, Pid} ->
            ?MODULE:loop(call_ended(py_workers:ended(Pid), State));
        {tcp_passive, Socket} ->
            receive_frames(State);
        {expire, Id} ->
            ?MODULE:loop(expire(Id, State));
        {'EXIT', Parent, Reason} ->
            close(State),
            exit(Reason);
        {'EXIT', Pid, Reason} ->
            ?MODULE:loop(call_ended(py_workers:died(Connection, Pid, Reason), State));
        {kill_workers, Pids} ->
            py_workers:kill(Pids),
            ?MODULE:loop(State);
        {tcp_closed, Socket} ->
            close(State);
        {tcp_error, Socket, emsgsize} ->
            refuse(State);
        {system, From, Request} ->
            sys:handle_system_msg(Request, From, Parent, ?MODULE, [], State);
        _Stray ->
            ?MODULE:loop(State)
    after rest_after(State) ->
        true = erlang:garbage_collect(),
        ?MODULE:loop(State#state{is_resting = true})
    end.

-spec rest_after(#state{}) -> timeout().
rest_after(#state{is_resting = true}) -> infinity;
rest_after(#state{}) -> ?REST_AFTER.

-spec take(py_process_frame:frame(), #state{}) -> #state{}.
take({call, Id, Limit, Options, Name, Args}, State) ->
    start(Id, Limit, Options, Name, Args, State#state{is_resting = false});
take({cancel, Ids}, State) ->
    ok = py_workers:cancel(Ids),
    State;
take({atoms, Texts}, State) ->
    ok = py_process_atoms:make(Texts),
    State.

-spec start(py_nif:call_id(), timeout(), Options, Name :: binary(), Args :: binary(), #state{}) ->
    #state{}
when
    Options :: py_function_call:options().
start(Id, _, _, _, _, State = #state{calls = Calls, max_calls = Max}) when Calls >= Max ->
    Text = [integer_to_list(Max), " calls are in flight, the limit of this node (max_in_flight)"],
    refuse(Id, overloaded, iolist_to_binary([Text, "; call again later"]), State),
    State;
start(Id, Limit, Options, Name, Args, State = #state{connection = Connection, calls = Calls}) ->
    Work = [self(), Connection, Id, Name, Args, Options],
    case py_workers:start(Connection, Id, ?MODULE, work, Work) of
        true -> set_timer(Id, Limit, State#state{calls = Calls + 1});
        false -> State
    end.

-spec refuse(py_nif:call_id(), py_process_frame:fail_kind(), Text :: binary(), #state{}) -> ok.
refuse(Id, Kind, Text, #state{connection = Connection}) ->
    py_reply:failure(Connection, Id, Kind, none, [], Text, default).

%% The whole life of a worker. Only the worker has the garbage of a large call.
-spec work(Handler :: pid(), Connection, py_nif:call_id(), binary(), binary(), Options) -> ok when
    Connection :: py_process_frame:connection(), Options :: py_function_call:options().
work(Handler, Connection, Id, Name, Encoded, Options) ->
    case py_process_frame:arguments(Encoded) of
        {ok, Args} ->
            py_function_call:work(Handler, Connection, Id, Name, Args, Options);
        error ->
            ok = py_reply:failure(Connection, Id, undecodable, none, [], ?UNDECODABLE, default),
            py_function_call:leave(Handler)
    end.

-spec set_timer(py_nif:call_id(), timeout(), #state{}) -> #state{}.
set_timer(_Id, infinity, State) ->
    State;
set_timer(Id, Limit, State = #state{timers = Timers}) ->
    Timer = erlang:send_after(Limit, self(), {expire, Id}),
    State#state{timers = Timers#{Id => {Timer, Limit}}}.

%% `undefined': a process that was no worker.
-spec call_ended(py_nif:call_id() | undefined, #state{}) -> #state{}.
call_ended(undefined, State) ->
    State;
call_ended(Id, State = #state{timers = Timers, calls = Calls}) ->
    case maps:take(Id, Timers) of
        {{Timer, _Limit}, Left} ->
            _ = erlang:cancel_timer(Timer, [{async, true}, {info, false}]),
            State#state{timers = Left, calls = Calls - 1};
        error ->
            State#state{calls = Calls - 1}
    end.

-spec expire(py_nif:call_id(), #state{}) -> #state{}.
expire(Id, State = #state{timers = Timers}) ->
    case maps:take(Id, Timers) of
        {{_Timer, Limit}, Left} ->
            Text = iolist_to_binary(["no reply within ", seconds(Limit), " s"]),
            ok = refuse(Id, timeout, Text, State),
            ok = py_workers:cancel([Id]),
            State#state{timers = Left};
        error ->
            State
    end.

-spec seconds(Milliseconds :: non_neg_integer()) -> string().
seconds(Milliseconds) when Milliseconds rem 1000 =:= 0 ->
    integer_to_list(Milliseconds div 1000);
seconds(Milliseconds) ->
    float_to_list(Milliseconds / 1000, [{decimals, 3}, compact]).

%% The peer speaks another protocol, or has sent a frame that is too large.
-spec refuse(#state{}) -> ok.
refuse(State) ->
    logger:warning(
        "A process that connected to this node's socket for Python processes sent bytes that no "
        "version of this protocol has, or a frame of more than ~b bytes. Its connection is closed.",
        [py_process_frame:max_size()]
    ),
    close(State).

-spec close(#state{}) -> ok.
close(#state{socket = Socket}) ->
    _ = gen_tcp:close(Socket),
    py_workers:stop_all().

%% For sys: the handler can be inspected and upgraded like any OTP process.

-spec system_continue(pid(), [sys:debug_option()], #state{}) -> ok.
system_continue(_Parent, _Debug, State) ->
    ?MODULE:loop(State).

-spec system_terminate(term(), pid(), [sys:debug_option()], #state{}) -> no_return().
system_terminate(Reason, _Parent, _Debug, State) ->
    close(State),
    exit(Reason).

-spec system_code_change(#state{}, module(), term(), term()) -> {ok, #state{}}.
system_code_change(State, _Module, _OldVersion, _Extra) ->
    {ok, State}.

-spec system_get_state(#state{}) -> {ok, {py_process_frame:connection(), Workers :: [pid()]}}.
system_get_state(#state{connection = Connection}) ->
    {ok, {Connection, py_workers:all()}}.
