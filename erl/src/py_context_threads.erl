%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The threads of the contexts, each from its start to its end. A stop of the application stops all
%% of them: callers get `{error, disconnected}' at once, and the running code is interrupted. Code
%% that does not end in time, e.g. a long `time.sleep', is reported. Its thread ends when the code
%% returns.
-module(py_context_threads).
-behaviour(gen_server).

-export([create_table/0, child_spec/1, start_link/1, add/2, give_up/1, close_all/0, count/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The time for all threads together to end, in milliseconds.
-define(STOP_LIMIT, 3000).

%% `{Ref, Context, Awaited}' of every context whose thread has not ended, for a restart of this
%% process and of the pool's. The stop of the application waits for the threads that are awaited,
%% not for those that were given up. The supervisor owns the table.
-define(TABLE, ?MODULE).

%% Called when a thread has ended, with the reference of its context.
-type on_end() :: fun((reference()) -> ok).

-record(state, {
    on_end :: on_end(),
    %% The contexts of the table whose end is awaited. If the supervisor was killed, its table is
    %% gone, but their code must stop all the same.
    awaited :: #{reference() => py_nif:context()}
}).

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set]),
    ok.

-spec child_spec(on_end()) -> supervisor:child_spec().
child_spec(OnEnd) ->
    #{id => ?MODULE, start => {?MODULE, start_link, [OnEnd]}, shutdown => ?STOP_LIMIT + 2000}.

-spec start_link(on_end()) -> gen_server:start_ret().
start_link(OnEnd) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, OnEnd, []).

%% A context has been made, with this reference.
-spec add(reference(), py_nif:context()) -> ok.
add(Ref, Context) ->
    true = ets:insert(?TABLE, {Ref, Context, true}),
    gen_server:cast(?MODULE, {add, Ref, Context}).

%% Closes a context whose code was interrupted and does not end; nobody waits for its end. The code
%% may have missed the interruption, e.g. in a `__del__', where Python ignores exceptions. So this
%% interrupts the code once more.
-spec give_up(reference()) -> ok.
give_up(Ref) ->
    [{Ref, Context, true}] = ets:lookup(?TABLE, Ref),
    %% False if the thread has ended just now.
    _ = ets:update_element(?TABLE, Ref, {3, false}),
    ok = py_nif:give_up_context(Context),
    gen_server:cast(?MODULE, {forget, Ref}).

%% Each context ends after its current request.
-spec close_all() -> ok.
close_all() ->
    lists:foreach(
        fun({_Ref, Context, _Awaited}) -> ok = py_nif:close_context(Context) end,
        ets:tab2list(?TABLE)
    ).

%% The number of threads that have not ended, including those of contexts that were given up.
-spec count() -> non_neg_integer().
count() ->
    ets:info(?TABLE, size).

-spec init(on_end()) -> {ok, #state{}}.
init(OnEnd) ->
    process_flag(trap_exit, true),
    Rows = ets:tab2list(?TABLE),
    lists:foreach(fun({_Ref, Context, _Awaited}) -> ok = py_nif:watch_context(Context) end, Rows),
    Awaited = maps:from_list([{Ref, Context} || {Ref, Context, true} <- Rows]),
    {ok, #state{on_end = OnEnd, awaited = Awaited}}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {noreply, #state{}}.
handle_call(_Request, _From, State) ->
    {noreply, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast({add, Ref, Context}, State = #state{awaited = Awaited}) ->
    ok = py_nif:watch_context(Context),
    {noreply, State#state{awaited = Awaited#{Ref => Context}}};
handle_cast({forget, Ref}, State) ->
    {noreply, forget(Ref, State)}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({py_result, Ref, ended}, State = #state{on_end = OnEnd}) ->
    true = ets:delete(?TABLE, Ref),
    ok = OnEnd(Ref),
    {noreply, forget(Ref, State)};
handle_info({py_result, _Ref, {stuck, Stack}}, State) ->
    logger:warning(
        "The caller of Python code timed out or died. The code did not end when it was interrupted, "
        "it keeps its thread until it returns:~n~ts",
        [Stack]
    ),
    {noreply, State};
handle_info(_Message, State) ->
    {noreply, State}.

-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, #state{awaited = Awaited}) ->
    lists:foreach(fun py_nif:stop_context/1, maps:values(Awaited)),
    Left = await(maps:keys(Awaited), py_deadline:in(?STOP_LIMIT)),
    lists:foreach(fun(Ref) -> ok = py_nif:give_up_context(map_get(Ref, Awaited)) end, Left),
    report(Left).

-spec forget(reference(), #state{}) -> #state{}.
forget(Ref, State = #state{awaited = Awaited}) ->
    State#state{awaited = maps:remove(Ref, Awaited)}.

-spec await([reference()], py_deadline:deadline()) -> Left :: [reference()].
await([], _Deadline) ->
    [];
await([Ref | Refs] = Left, Deadline) ->
    receive
        {py_result, Ref, ended} -> await(Refs, Deadline)
    after py_deadline:left(Deadline) ->
        [One || One <- Left, not has_ended(One)]
    end.

-spec has_ended(reference()) -> boolean().
has_ended(Ref) ->
    receive
        {py_result, Ref, ended} -> true
    after 0 -> false
    end.

-spec report(Left :: [reference()]) -> ok.
report([]) ->
    ok;
report(Left) ->
    logger:warning(
        "~b Python contexts did not stop within ~b ms: their code ignored its interruption. "
        "Each thread ends when its code returns",
        [length(Left), ?STOP_LIMIT]
    ).
