%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The registry of Erlang functions that Python may call. The asking process reads the table itself;
%% one process does all writes. The supervisor owns the table, so a crash here loses no
%% registration.
-module(py_function_registry).
-behaviour(gen_server).

-export([create_table/0, start_link/0, register/3, unregister/1, registered/0, lookup/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(TABLE, ?MODULE).

%% Called by the supervisor, which so becomes the owner of the table.
-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% A second registration of a name replaces its function. Calls under way keep the old function.
%% Arguments of the wrong type fail with `badarg'.
-spec register(py_request:name(), py_function_target:implementation(), Options) ->
    ok | {error, py_function_options:problem()}
when
    Options :: py_properties:properties(atom()).
register(Name, Function, GivenOptions) ->
    Key = py_request:name(Name),
    Options = py_properties:to_map(GivenOptions),
    case {py_function_options:check(Options), py_function_target:new(Function, Options)} of
        {ok, {ok, Target}} ->
            Limit = py_function_options:limit(Options),
            Binaries = py_function_options:binaries(Options),
            gen_server:call(?MODULE, {register, {Key, Target, Limit, Binaries}}, infinity);
        {{error, _} = Error, _} ->
            Error;
        {ok, {error, _} = Error} ->
            Error
    end.

%% `ok' also if no function is registered under the name.
-spec unregister(py_request:name()) -> ok.
unregister(Name) ->
    gen_server:call(?MODULE, {unregister, py_request:name(Name)}, infinity).

-spec registered() -> [binary()].
registered() ->
    lists:sort([Name || {Name, _, _, _} <- ets:tab2list(?TABLE)]).

%% The name comes from Python: always a binary, never made an atom.
-spec lookup(Name :: binary()) ->
    {ok, py_function_target:target(), py_function_options:limit(), py_function_call:binaries()}
    | error
    | not_running.
lookup(Name) ->
    try ets:lookup(?TABLE, Name) of
        [{_, Target, Limit, Binaries}] -> {ok, Target, Limit, Binaries};
        [] -> builtin(Name)
    catch
        %% The application is ending, and so are all handlers.
        error:badarg -> not_running
    end.

%% A function that the Python package uses itself. It is not listed, and a user's function of that
%% name takes precedence.
-spec builtin(Name :: binary()) -> {ok, py_function_target:target(), unlimited, text} | error.
builtin(<<"$is_registered">>) ->
    {ok, {list, fun([Name]) -> is_registered(Name) end}, unlimited, text};
builtin(<<"$registered">>) ->
    {ok, {list, fun([]) -> ?MODULE:registered() end}, unlimited, text};
builtin(<<"$send">>) ->
    {ok, {list, fun py_process_message:send/1}, unlimited, text};
builtin(<<"$stats">>) ->
    {ok, {list, fun([]) -> py_nif:stats() end}, unlimited, text};
builtin(_Name) ->
    error.

-spec is_registered(Name :: term()) -> boolean() | not_running.
is_registered(Name) ->
    try
        ets:member(?TABLE, Name)
    catch
        error:badarg -> not_running
    end.

-spec init([]) -> {ok, []}.
init([]) ->
    {ok, []}.

-spec handle_call(term(), gen_server:from(), []) -> {reply, ok, []}.
handle_call({register, {Key, _Target, Limit, _Binaries} = Row}, _From, State) ->
    %% In this order: who finds the function finds its limit too.
    ok = py_function_limiter:limit_changed(Key, concurrency(Limit)),
    true = ets:insert(?TABLE, Row),
    {reply, ok, State};
handle_call({unregister, Key}, _From, State) ->
    true = ets:delete(?TABLE, Key),
    ok = py_function_limiter:limit_removed(Key),
    {reply, ok, State}.

-spec handle_cast(term(), []) -> {noreply, []}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec concurrency(py_function_options:limit()) -> py_function_limit:limit().
concurrency(unlimited) -> infinity;
concurrency({Concurrency, _Overload}) -> Concurrency.
