%% SPDX-License-Identifier: Apache-2.0
%% @doc The options of a registered function, for {@link py:register_function/3}.
%%
%% ```
%% ok = py:register_function(query, fun my_db:query/1, #{concurrency => 10, overload => wait}).
%% '''
%%
%% `concurrency', an integer from 1 or `infinity' (the default), is how many calls of the function
%% may run at once, whoever in the node makes them. It belongs to the name: registering that anew
%% with another limit holds from then on for all its calls, those that wait too. A call counts until
%% the function has returned or its process is gone.
%%
%% `overload' is what becomes of a call over that limit: it fails at once with `erlang.Overloaded'
%% (`refuse', the default), or waits in line, first come, first served (`wait'). Callers in Python
%% can choose otherwise: `erlang.call(Name, ..., wait=True)', or `wait=False'. A call leaves the line
%% when it is cancelled, its `timeout' runs out, or its thread, loop or process is gone.
%%
%% When a function calls Python, which calls the same function again, that call runs on the place
%% of the first one, which waits for it anyway: so it is neither refused nor kept waiting by its
%% own ancestors, however deep they nest, over contexts, {@link py:call_async/4} and hosted loops
%% too. Of several such calls at the same time one does; the others need places like everybody
%% else, or wait for that one. Not known to work for the function are processes that it starts by
%% itself, {@link py:cast/4}, and threads that its Python code starts, unless they run in a copy of
%% the context, as those of `asyncio.to_thread' do.
%%
%% As with locks, two functions that call each other, and wait, may wait for each other: give such
%% calls a `timeout'.
-module(py_function_options).

-export([check/1, limit/1]).

-export_type([options/0, problem/0, limit/0]).

-type options() :: #{
    concurrency => py_gate:limit(),
    overload => py_gates:overload()
}.

-type problem() :: {bad_option, Key :: term()} | {bad_option, Key :: atom(), Value :: term()}.

%% What is kept with the function.
-type limit() :: unlimited | {Concurrency :: pos_integer(), py_gates:overload()}.

%% @private
-spec check(map()) -> ok | {error, problem()}.
check(Options) ->
    check_each(maps:to_list(Options)).

-spec check_each([{Key :: term(), Value :: term()}]) -> ok | {error, problem()}.
check_each([]) ->
    ok;
check_each([{Key, Value} | Options]) ->
    case is_option(Key, Value) of
        true -> check_each(Options);
        false -> {error, {bad_option, Key, Value}};
        unknown -> {error, {bad_option, Key}}
    end.

%% @private
-spec limit(options()) -> limit().
limit(Options) ->
    case maps:get(concurrency, Options, infinity) of
        infinity -> unlimited;
        Concurrency -> {Concurrency, maps:get(overload, Options, refuse)}
    end.

-spec is_option(Key :: term(), Value :: term()) -> boolean() | unknown.
is_option(concurrency, Value) ->
    Value =:= infinity orelse (is_integer(Value) andalso Value > 0);
is_option(overload, Value) ->
    lists:member(Value, [refuse, wait]);
is_option(_Key, _Value) ->
    unknown.
