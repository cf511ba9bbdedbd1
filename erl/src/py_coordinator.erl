%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Starts a handler for each new channel, stops handlers whose thread no longer waits, and passes on
%% Python's messages to other nodes. This process never waits for Python, for a function or for
%% another node.
%%
%% A channel without an owner is freed with the last reference to it. Handled messages leave
%% references on the heaps of idle processes, so this process and the supervisor collect their
%% garbage.
%%
%% The start of a handler returns when the handler is attached to its channel. From then on the
%% channel watches its handler itself. A handler that is killed before that is replaced. If no
%% handler can be started, the channel is refused. Channels that wait for a handler watch this
%% process: if it dies, their calls end, and the next calls ask the restarted process.
-module(py_coordinator).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% The time from a handler's start until its garbage is collected here, in milliseconds.
-define(TIDY_AFTER, 100).

%% The time that a function which traps exits has to clean up, in milliseconds.
-define(STOP_GRACE, 1000).

%% `tidying': a `tidy' message is on its way to this process.
-type state() :: idle | tidying.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, state()}.
init([]) ->
    ok = py_nif:set_coordinator(),
    {ok, idle}.

-spec handle_call(term(), gen_server:from(), state()) -> {noreply, state()}.
handle_call(_Request, _From, State) ->
    {noreply, State}.

-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), state()) -> {noreply, state()}.
handle_info({open_channel, Kind, Channel}, State) ->
    ok = open(Kind, Channel),
    {noreply, tidy(State)};
handle_info({stop_handler, Pid}, State) ->
    %% The handler runs a function whose call timed out or was interrupted. The function may trap
    %% exits.
    exit(Pid, shutdown),
    _ = erlang:send_after(?STOP_GRACE, self(), {kill_handler, Pid}),
    {noreply, State};
handle_info({kill_handler, Pid}, State) ->
    exit(Pid, kill),
    {noreply, State};
handle_info({send, To, Message}, State) ->
    send(To, Message),
    {noreply, State};
handle_info(tidy, tidying) ->
    collect_garbage(),
    {noreply, idle};
handle_info(_Message, State) ->
    {noreply, State}.

-spec open(py_nif:channel_kind(), py_nif:channel()) -> ok.
open(Kind, Channel) ->
    case py_handler_sup:start_handler(Kind, Channel) of
        attached -> ok;
        closed -> ok;
        {error, killed} -> open(Kind, Channel);
        {error, _} -> py_nif:refuse(Channel)
    end.

-spec tidy(state()) -> tidying.
tidy(tidying) ->
    tidying;
tidy(idle) ->
    _ = erlang:send_after(?TIDY_AFTER, self(), tidy),
    tidying.

%% The supervisor collects its garbage meanwhile. Its message about that is ignored.
-spec collect_garbage() -> ok.
collect_garbage() ->
    case whereis(py_handler_sup) of
        undefined -> ok;
        Pid -> _ = erlang:garbage_collect(Pid, [{async, tidied}])
    end,
    true = erlang:garbage_collect(),
    ok.

%% A busy connection suspends the sender. This process must not be suspended.
-spec send(pid() | {Name :: atom(), node()}, term()) -> ok.
send(To, Message) ->
    case erlang:send(To, Message, [nosuspend]) of
        ok ->
            ok;
        nosuspend ->
            _ = spawn(erlang, send, [To, Message]),
            ok
    end.
