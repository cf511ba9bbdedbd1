%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The pool of contexts, i.e. of Python threads that run requests from Erlang. A caller leases a
%% context, makes its request itself and gives the context back. This process only keeps the books.
%%
%%            start              lease               abandoned, or the caller died
%%   (none) -> starting -> idle <------> leased -> stale -> idle (its request has really ended)
%%                          |                        |
%%                          closed when idle long    given up: closed, and replaced on demand
%%
%% A given-up context has left the pool, but its thread runs until its code returns. The number of
%% threads has its own limit: beyond the limit no context starts until a thread has ended. Without
%% this limit a pool would not recover from overload. Each caller that times out leaves a thread
%% that competes for the GIL. All threads get slower, and more callers time out.
%%
%% A request of the pool tests whether a stale context is usable again. The thread runs this request
%% after the old request. The request also clears what the old caller has left, such as its own
%% globals. Stale contexts do not count for `max_contexts'.
-module(py_context_pool).
-behaviour(gen_server).

-export([start_link/1, checkout/1, checkin/2, thread_ended/1, info/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-export_type([state/0, limits/0]).

%% The state in which a caller returns its context. `abandoned': the context may still run the
%% request, or has globals of the caller. `stuck': the code did not end in time. `closed': the
%% thread is gone.
-type state() :: free | abandoned | stuck | closed.

-type limits() :: #{
    contexts := pos_integer(),
    max_contexts := pos_integer(),
    context_idle_timeout := timeout()
}.

%% In milliseconds: the time after which a stale context is given up.
-define(STALE_LIMIT, 1000).

%% The number of threads that may exist in addition to `max_contexts'.
-define(SPARE_THREADS, 64).

-record(context, {
    handle :: py_nif:context(),
    %% The time of the last change of status, in milliseconds of monotonic time.
    since :: integer()
}).

-type contexts() :: #{reference() => #context{}}.

%% Each context of the pool is in one of the fields `starting', `idle', `leased' and `stale'.
-record(state, {
    limits :: limits(),
    starting = #{} :: contexts(),
    %% The context that was used last is used first, so that spare contexts stay idle.
    idle = [] :: [{reference(), #context{}}],
    leased = #{} :: contexts(),
    stale = #{} :: contexts(),
    leases = py_context_leases:new() :: py_context_leases:leases(),
    given_up = 0 :: non_neg_integer(),
    shrinking = false :: boolean()
}).

-spec start_link(limits()) -> gen_server:start_ret().
start_link(Limits) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Limits, []).

%% Leases a context to the calling process. Waits for a free context until the deadline.
-spec checkout(py_deadline:deadline()) ->
    {ok, py_context_leases:lease(), py_nif:context()}
    | {error, timeout | not_running | disconnected | term()}.
checkout(Deadline) ->
    Lease = make_ref(),
    try gen_server:call(?MODULE, {checkout, Lease}, py_deadline:left(Deadline)) of
        {ok, Context} -> {ok, Lease, Context};
        {error, _} = Error -> Error
    catch
        exit:{timeout, _} ->
            %% The pool may have granted a context at the moment of the timeout.
            checkin(Lease, free),
            {error, timeout};
        exit:_ ->
            case whereis(erlang_python_sup) of
                undefined -> {error, not_running};
                %% The pool's process died and is being restarted, or the application is stopping.
                _ -> {error, disconnected}
            end
    end.

-spec checkin(py_context_leases:lease(), state()) -> ok.
checkin(Lease, How) ->
    gen_server:cast(?MODULE, {checkin, Lease, How}).

%% Called when a thread has ended: the limit may allow another thread now.
-spec thread_ended(reference()) -> ok.
thread_ended(Ref) ->
    gen_server:cast(?MODULE, {thread_ended, Ref}).

-spec info() -> #{atom() => non_neg_integer()}.
info() ->
    gen_server:call(?MODULE, info).

-spec init(limits()) -> {ok, #state{}}.
init(Limits = #{contexts := Contexts}) ->
    %% Close the contexts of a crashed pool process.
    ok = py_context_threads:close_all(),
    {ok, start_contexts(Contexts, #state{limits = Limits})}.

-spec handle_call(term(), gen_server:from(), #state{}) ->
    {reply, term(), #state{}} | {noreply, #state{}}.
handle_call({checkout, Lease}, From, State = #state{leases = Leases}) ->
    {noreply, serve(State#state{leases = py_context_leases:ask(Lease, From, Leases)})};
handle_call(info, _From, State) ->
    {reply, counts(State), State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast({checkin, Lease, How}, State) ->
    {noreply, give_back(Lease, How, State)};
handle_cast({thread_ended, Ref}, State = #state{starting = Starting}) ->
    %% Without memory a thread ends before its context is ready.
    {noreply, serve(replenish(State#state{starting = maps:remove(Ref, Starting)}))}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({py_result, Ref, ready}, State = #state{starting = Starting}) ->
    case maps:take(Ref, Starting) of
        {#context{handle = Handle}, Left} ->
            {noreply, serve(make_idle(Ref, Handle, State#state{starting = Left}))};
        error ->
            {noreply, State}
    end;
handle_info({py_result, Ref, Answer}, State = #state{stale = Stale}) ->
    case maps:take(Ref, Stale) of
        {Context, Left} ->
            {noreply, serve(answered(Ref, Context, Answer, State#state{stale = Left}))};
        error ->
            {noreply, State}
    end;
handle_info({{caller_down, Lease}, _Monitor, process, _Pid, _Reason}, State) ->
    {noreply, give_back(Lease, abandoned, State)};
handle_info({give_up, Ref, Since}, State = #state{stale = Stale}) ->
    case maps:take(Ref, Stale) of
        {#context{since = Since}, Left} ->
            {noreply, serve(give_up(Ref, State#state{stale = Left}))};
        _ ->
            {noreply, State}
    end;
handle_info(shrink, State) ->
    {noreply, watch_idle(shrink(State#state{shrinking = false}))};
handle_info(_Message, State) ->
    {noreply, State}.

%% Gives idle contexts to waiting callers. Starts contexts for callers that would still wait.
-spec serve(#state{}) -> #state{}.
serve(State = #state{idle = [{Ref, #context{handle = Handle}} | Idle], leased = Leased}) ->
    case py_context_leases:grant(Ref, State#state.leases) of
        {ok, From, Granted} ->
            gen_server:reply(From, {ok, Handle}),
            NowLeased = Leased#{Ref => context(Handle)},
            serve(State#state{idle = Idle, leased = NowLeased, leases = Granted});
        none ->
            watch_idle(State)
    end;
serve(State = #state{idle = [], starting = Starting, limits = #{max_contexts := Max}}) ->
    Wanted = py_context_leases:waiting(State#state.leases) - map_size(Starting),
    start_contexts(min(Wanted, Max - usable(State)), State).

-spec give_back(py_context_leases:lease(), state(), #state{}) -> #state{}.
give_back(Lease, How, State = #state{leases = Leases, leased = Leased}) ->
    case py_context_leases:give_back(Lease, Leases) of
        {{context, Ref}, Left} ->
            {#context{handle = Handle}, StillLeased} = maps:take(Ref, Leased),
            State1 = State#state{leases = Left, leased = StillLeased},
            serve(returned(Ref, Handle, How, State1));
        {_Nothing, Left} ->
            State#state{leases = Left}
    end.

-spec returned(reference(), py_nif:context(), state(), #state{}) -> #state{}.
returned(Ref, Handle, free, State) ->
    make_idle(Ref, Handle, State);
returned(_Ref, _Handle, closed, State) ->
    State;
returned(Ref, _Handle, stuck, State) ->
    give_up(Ref, State);
returned(Ref, Handle, abandoned, State) ->
    Context = #context{since = Since} = context(Handle),
    _ = erlang:send_after(?STALE_LIMIT, self(), {give_up, Ref, Since}),
    reset(Ref, Context, State).

%% Makes the context stale. The answer comes when the thread runs this request.
-spec reset(reference(), #context{}, #state{}) -> #state{}.
reset(Ref, Context = #context{handle = Handle}, State = #state{stale = Stale}) ->
    case py_nif:submit_to_context(Handle, Ref, reset) of
        {ok, _Handle} -> State#state{stale = Stale#{Ref => Context}};
        closed -> State
    end.

-spec answered(reference(), #context{}, py_nif:answer(), #state{}) -> #state{}.
answered(Ref, #context{handle = Handle}, {ok, _}, State) ->
    usable_again(Ref, Handle, State);
answered(_Ref, _Context, {error, disconnected}, State) ->
    State;
answered(Ref, Context, {error, _}, State) ->
    %% The late interruption of the old request may have hit the reset request.
    reset(Ref, Context, State).

%% Another context may have taken the place of this context meanwhile.
-spec usable_again(reference(), py_nif:context(), #state{}) -> #state{}.
usable_again(Ref, Handle, State = #state{limits = #{max_contexts := Max}}) ->
    case usable(State) < Max of
        true ->
            make_idle(Ref, Handle, State);
        false ->
            ok = py_nif:close_context(Handle),
            State
    end.

%% The context is in no field of the state any more.
-spec give_up(reference(), #state{}) -> #state{}.
give_up(Ref, State = #state{given_up = GivenUp}) ->
    ok = py_context_threads:give_up(Ref),
    replenish(State#state{given_up = GivenUp + 1}).

%% Starts contexts until the configured number exists again.
-spec replenish(#state{}) -> #state{}.
replenish(State) ->
    start_contexts(-spare(State), State).

-spec start_contexts(Count :: integer(), #state{}) -> #state{}.
start_contexts(Count, State) when Count =< 0 ->
    State;
start_contexts(Count, State = #state{limits = #{max_contexts := Max}}) ->
    case py_context_threads:count() of
        Threads when Threads < Max + ?SPARE_THREADS -> start_context(Count, State);
        Threads -> not_started({too_many_threads, Threads}, State)
    end.

-spec start_context(Count :: pos_integer(), #state{}) -> #state{}.
start_context(Count, State = #state{starting = Starting}) ->
    Ref = make_ref(),
    try py_nif:new_context(Ref) of
        Handle ->
            ok = py_context_threads:add(Ref, Handle),
            start_contexts(Count - 1, State#state{starting = Starting#{Ref => context(Handle)}})
    catch
        error:Why -> not_started(Why, State)
    end.

%% If there are other contexts, the callers wait for them. If there are none, the callers get the
%% reason.
-spec not_started(Why :: term(), #state{}) -> #state{}.
not_started(Why, State = #state{stale = Stale, leases = Leases}) ->
    case usable(State) + map_size(Stale) of
        0 ->
            {Refused, Left} = py_context_leases:refuse_all(Leases),
            lists:foreach(
                fun(From) -> gen_server:reply(From, {error, {no_context, Why}}) end, Refused
            ),
            State#state{leases = Left};
        _ ->
            State
    end.

-spec make_idle(reference(), py_nif:context(), #state{}) -> #state{}.
make_idle(Ref, Handle, State = #state{idle = Idle}) ->
    State#state{idle = [{Ref, context(Handle)} | Idle]}.

%% A context whose status changes now.
-spec context(py_nif:context()) -> #context{}.
context(Handle) ->
    #context{handle = Handle, since = now_ms()}.

%% There is at most one timer, and only while spare contexts exist.
-spec watch_idle(#state{}) -> #state{}.
watch_idle(State = #state{shrinking = true}) ->
    State;
watch_idle(State = #state{limits = #{context_idle_timeout := infinity}}) ->
    State;
watch_idle(State = #state{limits = #{context_idle_timeout := IdleTimeout}}) ->
    case spare(State) > 0 of
        true ->
            _ = erlang:send_after(IdleTimeout, self(), shrink),
            State#state{shrinking = true};
        false ->
            State
    end.

-spec shrink(#state{}) -> #state{}.
shrink(State = #state{idle = Idle, limits = #{context_idle_timeout := IdleTimeout}}) ->
    Before = now_ms() - IdleTimeout,
    Long = [One || {_Ref, #context{since = Since}} = One <- Idle, Since =< Before],
    %% The contexts that were idle longest are at the end.
    Closed = lists:sublist(lists:reverse(Long), max(0, spare(State))),
    lists:foreach(
        fun({_Ref, #context{handle = Handle}}) -> ok = py_nif:close_context(Handle) end, Closed
    ),
    State#state{idle = Idle -- Closed}.

-spec spare(#state{}) -> integer().
spare(State = #state{limits = #{contexts := Kept}}) ->
    usable(State) - Kept.

%% The number of contexts that count for `max_contexts'.
-spec usable(#state{}) -> non_neg_integer().
usable(#state{starting = Starting, idle = Idle, leased = Leased}) ->
    map_size(Starting) + length(Idle) + map_size(Leased).

-spec counts(#state{}) -> #{atom() => non_neg_integer()}.
counts(State = #state{starting = Starting, idle = Idle, leased = Leased, stale = Stale}) ->
    #{
        total => usable(State) + map_size(Stale),
        idle => length(Idle),
        starting => map_size(Starting),
        stale => map_size(Stale),
        busy => map_size(Leased),
        waiting => py_context_leases:waiting(State#state.leases),
        given_up => State#state.given_up,
        threads => py_context_threads:count()
    }.

-spec now_ms() -> integer().
now_ms() ->
    erlang:monotonic_time(millisecond).
