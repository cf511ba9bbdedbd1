%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Starts a handler for each new channel, stops handlers whose thread no longer waits, and passes on
%% Python's messages to other nodes. This process never waits for any of them.
%%
%% A channel without an owner is freed with the last reference to it. Handled messages leave
%% references on the heaps of idle processes, so this process and the supervisor collect their
%% garbage.
%%
%% A handler that dies before it has attached itself is replaced. After that the channel watches its
%% handler itself. If no handler can be started, the channel is refused. Channels that wait for a
%% handler watch this process: if it dies, their calls end, and the next calls ask the restarted
%% process.
-module(py_coordinator).
-behaviour(gen_server).

-export([start_link/0, attached/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% The time from a handler's start until its garbage is collected here, in milliseconds.
-define(TIDY_AFTER, 100).

%% The time that a function which traps exits has to clean up, in milliseconds.
-define(STOP_GRACE, 1000).

%% The handlers that have not attached themselves yet, by their monitors and by their pids.
%% `tidying': a `tidy' message is on its way to this process.
-record(state, {
    opening = #{} :: #{reference() => py_nif:channel()},
    monitors = #{} :: #{pid() => reference()},
    tidying = false :: boolean()
}).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Called by a handler when it has attached itself to its channel.
-spec attached() -> ok.
attached() ->
    gen_server:cast(?MODULE, {attached, self()}).

-spec init([]) -> {ok, #state{}}.
init([]) ->
    ok = py_nif:set_coordinator(),
    {ok, #state{}}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {noreply, #state{}}.
handle_call(_Request, _From, State) ->
    {noreply, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast({attached, Pid}, State = #state{opening = Opening, monitors = Monitors}) ->
    case maps:take(Pid, Monitors) of
        {Monitor, Rest} ->
            demonitor(Monitor, [flush]),
            {noreply, tidy(State#state{opening = maps:remove(Monitor, Opening), monitors = Rest})};
        error ->
            %% A handler from before a restart of this process.
            {noreply, State}
    end.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({open_channel, Channel}, State) ->
    {noreply, open(Channel, State)};
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
handle_info({'DOWN', Monitor, process, Pid, Reason}, State) ->
    #state{opening = Opening, monitors = Monitors} = State,
    {Channel, Rest} = maps:take(Monitor, Opening),
    State1 = State#state{opening = Rest, monitors = maps:remove(Pid, Monitors)},
    case Reason of
        %% The channel was closed before its handler attached itself.
        normal -> {noreply, tidy(State1)};
        _ -> {noreply, open(Channel, State1)}
    end;
handle_info(tidy, State) ->
    collect_garbage(),
    {noreply, State#state{tidying = false}};
handle_info(_Message, State) ->
    {noreply, State}.

-spec open(py_nif:channel(), #state{}) -> #state{}.
open(Channel, State = #state{opening = Opening, monitors = Monitors}) ->
    case py_handler_sup:start_handler(Channel) of
        {ok, Pid} ->
            Monitor = monitor(process, Pid),
            State#state{
                opening = Opening#{Monitor => Channel}, monitors = Monitors#{Pid => Monitor}
            };
        {error, _} ->
            ok = py_nif:refuse(Channel),
            State
    end.

-spec tidy(#state{}) -> #state{}.
tidy(State = #state{tidying = true}) ->
    State;
tidy(State) ->
    _ = erlang:send_after(?TIDY_AFTER, self(), tidy),
    State#state{tidying = true}.

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
