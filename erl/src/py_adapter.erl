%% SPDX-License-Identifier: Apache-2.0
%% @doc Functions that turn structs into terms that Python understands.
%%
%% A struct is a map with the key `__struct__', as Elixir makes them. Python gets an unknown struct as
%% a dict of its fields. A function that is registered here for the struct's name gets the struct, and
%% returns the term that Python gets instead. The functions apply to everything that goes from Erlang
%% to Python in arguments, local variables and results of registered functions, at any depth. They
%% run in the process that sends.
%%
%% ```
%% ok = py_adapter:register('Elixir.Money', fun(#{amount := Amount, currency := Currency}) ->
%%     {Amount, Currency}
%% end),
%% {ok, 2} = py:call(builtins, len, ['Elixir.Money':new(5, <<"EUR">>)]).
%% '''
-module(py_adapter).

-export([register/2, unregister/1, registered/0]).
-export([create_table/0, check/1, check_function/1, adapt/1]).

-export_type([struct/0]).

-type struct() :: #{'__struct__' := module(), atom() => term()}.

-include("py_error_info.hrl").

-define(TABLE, ?MODULE).

%% Whether a function was ever registered since the start: each request asks, and this costs least.
-define(IN_USE, {?MODULE, in_use}).

%% @doc Registers the function for a struct; replaces an earlier one. An exception of the function
%% fails the call that sends the struct. The function stays until {@link unregister/1} or the end of
%% the application. `{error, not_running}' if the application is not started.
-spec register(Struct :: module(), fun((struct()) -> term())) -> ok | {error, not_running}.
register(Struct, Fun) ->
    ok = ?CHECKED(check(Struct), [Struct, Fun]),
    ok = ?CHECKED(check_function(Fun), [Struct, Fun]),
    try ets:insert(?TABLE, {Struct, Fun}) of
        true -> persistent_term:put(?IN_USE, true)
    catch
        error:badarg -> {error, not_running}
    end.

%% @doc Removes the function of a struct; `ok' also if it has none.
-spec unregister(Struct :: module()) -> ok | {error, not_running}.
unregister(Struct) ->
    ok = ?CHECKED(check(Struct), [Struct]),
    try ets:delete(?TABLE, Struct) of
        true -> ok
    catch
        error:badarg -> {error, not_running}
    end.

%% @doc The structs that have a function, sorted.
-spec registered() -> [module()].
registered() ->
    lists:sort([Struct || {Struct, _Fun} <- ets:tab2list(?TABLE)]).

%% @private
-spec check(term()) -> ok.
check(Struct) when is_atom(Struct) -> ok;
check(_Struct) -> error(badarg).

%% @private
-spec check_function(term()) -> ok.
check_function(Fun) when is_function(Fun, 1) -> ok;
check_function(_Fun) -> error(badarg).

%% @private
%% Called by the supervisor, which so becomes the owner of the table.
-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set, {read_concurrency, true}]),
    persistent_term:put(?IN_USE, false).

%% @private
%% The term with all structs replaced that have a function. Costs little while no struct has one.
-spec adapt(term()) -> term().
adapt(Term) ->
    case persistent_term:get(?IN_USE, false) of
        true -> replaced(Term);
        false -> Term
    end.

-spec replaced(term()) -> term().
replaced([Head | Tail]) ->
    [replaced(Head) | replaced(Tail)];
replaced(#{'__struct__' := Struct} = Term) ->
    case lookup(Struct) of
        %% Not the value itself once more: a function may return the struct with other fields.
        {ok, Fun} -> inside(Fun(Term));
        none -> inside(Term)
    end;
replaced(Term) ->
    inside(Term).

-spec lookup(Struct :: term()) -> {ok, fun((struct()) -> term())} | none.
lookup(Struct) ->
    try ets:lookup(?TABLE, Struct) of
        [{_, Fun}] -> {ok, Fun};
        [] -> none
    catch
        %% The application has stopped.
        error:badarg -> none
    end.

-spec inside(term()) -> term().
inside(Map) when is_map(Map) ->
    maps:from_list([{replaced(Key), replaced(Value)} || {Key, Value} <- maps:to_list(Map)]);
inside(Tuple) when is_tuple(Tuple) ->
    list_to_tuple(replaced(tuple_to_list(Tuple)));
inside([_ | _] = List) ->
    replaced(List);
inside(Other) ->
    Other.
