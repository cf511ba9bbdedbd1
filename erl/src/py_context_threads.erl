%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The threads of the contexts, each from its start to its end. A stop of the application stops all
%% of them: callers get `{error, disconnected}' at once, and the running code is interrupted. Code
%% that does not end in time, e.g. a long `time.sleep', is reported. Its thread ends when the code
%% returns.
-module(py_context_threads).
-behaviour(gen_server).

-export([create_table/0, child_spec/0, start_link/0, add/2, give_up/1, close_all/0, count/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The time for all threads together to end, in milliseconds.
-define(STOP_LIMIT, 3000).

%% `{Ref, Context, Awaited}' of every context whose thread has not ended, for a restart of this
%% process and of the pool's. The stop of the application waits for the threads that are awaited,
%% not for those that were given up. The supervisor owns the table.
-define(TABLE, ?MODULE).

-type threads() :: #{reference() => py_nif:context()}.

-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set]),
    ok.

-spec child_spec() -> supervisor:child_spec().
child_spec() ->
    #{id => ?MODULE, start => {?MODULE, start_link, []}, shutdown => ?STOP_LIMIT + 2000}.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

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

-spec init([]) -> {ok, threads()}.
init([]) ->
    process_flag(trap_exit, true),
    Rows = ets:tab2list(?TABLE),
    lists:foreach(fun({_Ref, Context, _Awaited}) -> ok = py_nif:watch_context(Context) end, Rows),
    {ok, maps:from_list([{Ref, Context} || {Ref, Context, true} <- Rows])}.

-spec handle_call(term(), gen_server:from(), threads()) -> {noreply, threads()}.
handle_call(_Request, _From, Threads) ->
    {noreply, Threads}.

-spec handle_cast(term(), threads()) -> {noreply, threads()}.
handle_cast({add, Ref, Context}, Threads) ->
    ok = py_nif:watch_context(Context),
    {noreply, Threads#{Ref => Context}};
handle_cast({forget, Ref}, Threads) ->
    {noreply, maps:remove(Ref, Threads)}.

-spec handle_info(term(), threads()) -> {noreply, threads()}.
handle_info({py_result, Ref, ended}, Threads) ->
    true = ets:delete(?TABLE, Ref),
    ok = py_context_pool:thread_ended(),
    {noreply, maps:remove(Ref, Threads)};
handle_info({stuck, Stack}, Threads) ->
    logger:warning(
        "The caller of Python code timed out or died. The code did not end when it was interrupted, "
        "it keeps its thread until it returns:~n~ts",
        [Stack]
    ),
    {noreply, Threads};
handle_info(_Message, Threads) ->
    {noreply, Threads}.

-spec terminate(term(), threads()) -> ok.
terminate(_Reason, Threads) ->
    lists:foreach(fun py_nif:stop_context/1, maps:values(Threads)),
    Left = await(maps:keys(Threads), py_deadline:in(?STOP_LIMIT)),
    lists:foreach(fun(Ref) -> ok = py_nif:give_up_context(map_get(Ref, Threads)) end, Left),
    report(Left).

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
