%% SPDX-License-Identifier: Apache-2.0
%% @doc The options of a registered function, for {@link py:register_function/3}.
%%
%% ```
%% ok = py:register_function(query, fun my_db:query/1, #{concurrency => 10, overload => wait}).
%% '''
%%
%% `apply' says how the function gets the arguments of a call. With `true' it is applied to them: a
%% call with two arguments calls a function of two arguments. With `false' it gets one list of all
%% arguments. The default is `false', except for a fun whose arity is not 1.
%%
%% `concurrency', an integer from 1 or `infinity' (the default), limits the calls of the function
%% that run at the same time in the node. The limit belongs to the name. A new registration with
%% another limit takes effect at once for all calls of the name, including those that wait. A call
%% counts until the function has returned or its process is gone.
%%
%% `overload' says what happens to a call over the limit. With `refuse', the default, the call fails
%% at once with `erlang.Overloaded'. With `wait' the call waits in line, first come, first served. A
%% caller in Python can choose otherwise: `erlang.call(Name, ..., wait=True)', or `wait=False'. A
%% call leaves the line when it is cancelled, its `timeout' runs out, or its thread, loop or process
%% is gone.
%%
%% `binaries' says what binaries of the function's result become in Python: `text' or `bytes'. The
%% caller's `binaries' goes before it; if neither says anything, the application's key `binaries'
%% decides. `{text, Binary}' and `{bytes, Binary}' in a result go before all of them.
%%
%% If the function calls Python and Python calls the function again, the inner call is nested. A
%% nested call is admitted at once, and does not count. Else the outer call, which waits for the
%% inner call, could keep the place that the inner call needs. This holds at any depth, and across
%% contexts, {@link py:call_async/4} and hosted loops. A function that calls itself several times at
%% once, e.g. by `asyncio.gather', must limit these calls itself.
%%
%% Some calls are not nested: those of a process that the function started itself, of {@link
%% py:cast/4}, and of a thread that its Python code started. A thread that runs in a copy of the
%% context, as those of `asyncio.to_thread' do, is an exception.
%%
%% As with locks, two functions that call each other may wait for each other: give such calls a
%% `timeout'.
-module(py_function_options).

-export([check/1, limit/1, binaries/1]).

-export_type([options/0, problem/0, limit/0]).

-type options() :: #{
    apply => boolean(),
    binaries => text | bytes,
    concurrency => pos_integer() | infinity,
    overload => refuse | wait
}.

-type problem() :: {bad_option, Key :: term(), Value :: term(), Why :: term()}.

%% The registry keeps it with the function.
-type limit() :: unlimited | {Concurrency :: pos_integer(), refuse | wait}.

%% @private
-spec check(map()) -> ok | {error, problem()}.
check(Options) ->
    check_each(maps:to_list(Options)).

-spec check_each([{Key :: term(), Value :: term()}]) -> ok | {error, problem()}.
check_each([]) ->
    ok;
check_each([{Key, Value} | Options]) ->
    case why_bad(Key, Value) of
        ok -> check_each(Options);
        Why -> {error, {bad_option, Key, Value, Why}}
    end.

%% @private
-spec limit(options()) -> limit().
limit(Options) ->
    case maps:get(concurrency, Options, infinity) of
        infinity -> unlimited;
        Concurrency -> {Concurrency, maps:get(overload, Options, refuse)}
    end.

%% @private
-spec binaries(options()) -> py_function_call:binaries().
binaries(Options) ->
    maps:get(binaries, Options, default).

-spec why_bad(Key :: term(), Value :: term()) -> ok | term().
why_bad(concurrency, infinity) -> ok;
why_bad(concurrency, Value) when is_integer(Value), Value > 0 -> ok;
why_bad(concurrency, _Value) -> {not_one_of, ['pos_integer()', infinity]};
why_bad(overload, Value) -> one_of([refuse, wait], Value);
why_bad(apply, Value) -> one_of([true, false], Value);
why_bad(binaries, Value) -> one_of([text, bytes], Value);
why_bad(_Key, _Value) -> unknown_option.

-spec one_of([atom()], term()) -> ok | {not_one_of, [atom()]}.
one_of(Values, Value) ->
    case lists:member(Value, Values) of
        true -> ok;
        false -> {not_one_of, Values}
    end.
