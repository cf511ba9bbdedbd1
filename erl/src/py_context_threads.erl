%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The threads of the contexts, from the start of each until it has ended. When the application
%% stops, all are stopped: whoever waits for one hears `{error, disconnected}' at once, what runs is
%% interrupted. Code that does not end in time, e.g. a long `time.sleep', is reported and left
%% behind; its thread ends when that returns.
-module(py_context_threads).
-behaviour(gen_server).

-export([create_table/0, child_spec/0, start_link/0, add/2, give_up/1, close_all/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% What all threads together get to end in, in milliseconds.
-define(STOP_LIMIT, 3000).

%% `{Ref, Context}' of every living context, for a restart of this process and of the pool's. The
%% supervisor owns it.
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
    true = ets:insert(?TABLE, {Ref, Context}),
    gen_server:cast(?MODULE, {add, Ref, Context}).

%% Closes a context whose code was interrupted and does not end: it is waited for no more. It may
%% have had no notice of that, e.g. in a `__del__', where Python ignores exceptions: once more.
-spec give_up(reference()) -> ok.
give_up(Ref) ->
    [{Ref, Context}] = ets:take(?TABLE, Ref),
    ok = py_nif:give_up_context(Context),
    gen_server:cast(?MODULE, {forget, Ref}).

%% Each ends after its current request.
-spec close_all() -> ok.
close_all() ->
    lists:foreach(
        fun({_Ref, Context}) -> ok = py_nif:close_context(Context) end, ets:tab2list(?TABLE)
    ).

-spec init([]) -> {ok, threads()}.
init([]) ->
    process_flag(trap_exit, true),
    Rows = ets:tab2list(?TABLE),
    lists:foreach(fun({_Ref, Context}) -> ok = py_nif:watch_context(Context) end, Rows),
    {ok, maps:from_list(Rows)}.

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
    {noreply, maps:remove(Ref, Threads)};
handle_info({stuck, Stack}, Threads) ->
    logger:warning(
        "Python code that was timed out, or whose caller died, did not end when it was "
        "interrupted; it goes on in a thread of its own:~n~ts",
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
        "~b Python contexts run code that did not stop within ~b ms when it was interrupted; "
        "their threads end when it returns",
        [length(Left), ?STOP_LIMIT]
    ).
