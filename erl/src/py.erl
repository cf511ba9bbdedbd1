%% SPDX-License-Identifier: Apache-2.0
%% @doc Python in this node: registering Erlang functions for it, and calling it.
%%
%% Results are `{ok, Value}' or `{error, Reason}'. A Python exception is
%% `{error, {ExceptionName, Text}}', running out of time `{error, timeout}', a thread that went away
%% `{error, disconnected}', a request while the application `erlang_python' is not started
%% `{error, not_running}'. Arguments of the wrong type fail with `badarg'.
%%
%% Timeouts are in milliseconds, or `infinity'; the default is 30000. When one runs out the Python
%% code is interrupted.
%%
%% A call made by a registered function that Python waits for runs on that same Python thread; any
%% other runs on a free context, i.e. a Python thread of the application's pool. All share one
%% `__main__'.
-module(py).

-export([register_function/2, register_function/3, unregister_function/1, registered/0]).
-export([call/3, call/4, call/5, eval/1, eval/2, eval/3, exec/1]).
-export([version/0, info/0]).

-export_type([name/0, code/0, kwargs/0, reason/0]).

-type name() :: py_request:name().
-type code() :: py_request:code().
-type kwargs() :: py_request:kwargs().
-type reason() :: py_context:reason().

-define(DEFAULT_TIMEOUT, 30000).

%% @equiv register_function(Name, Fun, #{})
-spec register_function(Name :: atom() | binary(), Fun :: fun((Args :: [term()]) -> term())) -> ok.
register_function(Name, Fun) ->
    ok = register_function(Name, Fun, #{}).

%% @doc Makes an Erlang function callable from Python as `erlang.call(Name, ...)' and
%% `erlang.Name(...)'. It gets the list of the call's arguments as its one argument; what it
%% returns is the call's value.
%%
%% The function is a fun with a map of options (none exists yet: `{error, {bad_option, Key}}'), or
%% given as module and function name. Registering a name again replaces its function.
%%
%% ```
%% ok = py:register_function(double_it, fun([X]) -> X * 2 end).
%% ok = py:register_function(<<"now">>, my_clock, now_in).    % my_clock:now_in(Args)
%% '''
-spec register_function
    (Name :: atom() | binary(), Module :: module(), Function :: atom()) -> ok;
    (Name :: atom() | binary(), fun((Args :: [term()]) -> term()), py_functions:options()) ->
        ok | {error, {bad_option, Key :: term()}}.
register_function(Name, Module, Function) when
    (is_atom(Name) orelse is_binary(Name)), is_atom(Module), is_atom(Function)
->
    py_functions:register(Name, {Module, Function}, #{});
register_function(Name, Fun, Options) when
    (is_atom(Name) orelse is_binary(Name)), is_function(Fun, 1), is_map(Options)
->
    py_functions:register(Name, Fun, Options);
register_function(_Name, _FunOrModule, _OptionsOrFunction) ->
    error(badarg).

%% @doc Takes a function back; calls under way end as usual. `ok' also if there is none of the name.
%%
%% ```
%% ok = py:unregister_function(double_it).
%% '''
-spec unregister_function(Name :: atom() | binary()) -> ok.
unregister_function(Name) when is_atom(Name); is_binary(Name) ->
    py_functions:unregister(Name);
unregister_function(_Name) ->
    error(badarg).

%% @doc The names of all registered functions, sorted.
%%
%% ```
%% [<<"double_it">>, <<"now">>] = py:registered().
%% '''
-spec registered() -> [binary()].
registered() ->
    py_functions:registered().

%% @equiv call(Module, Function, Args, #{}, 30000)
-spec call(Module :: name(), Function :: name(), Args :: [term()]) ->
    {ok, term()} | {error, reason()}.
call(Module, Function, Args) ->
    call(Module, Function, Args, #{}).

%% @equiv call(Module, Function, Args, Kwargs, 30000)
-spec call(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) ->
    {ok, term()} | {error, reason()}.
call(Module, Function, Args, Kwargs) ->
    call(Module, Function, Args, Kwargs, ?DEFAULT_TIMEOUT).

%% @doc Calls `Module.Function(*Args, **Kwargs)' and waits for its value.
%%
%% `Timeout' is in milliseconds; when it runs out the Python code is interrupted and the result is
%% `{error, timeout}'.
%%
%% ```
%% {ok, 4.0} = py:call(math, sqrt, [16]).
%% {ok, <<"[\n  1\n]">>} = py:call(json, dumps, [[1]], #{indent => 2}, 1000).
%% {error, {'ValueError', <<"math domain error">>}} = py:call(math, sqrt, [-1]).
%% '''
-spec call(
    Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs(), Timeout :: timeout()
) -> {ok, term()} | {error, reason()}.
call(Module, Function, Args, Kwargs, Timeout) ->
    py_context:request(py_request:call(Module, Function, Args, Kwargs), Timeout).

%% @equiv eval(Code, #{}, 30000)
-spec eval(Code :: code()) -> {ok, term()} | {error, reason()}.
eval(Code) ->
    eval(Code, #{}).

%% @equiv eval(Code, Locals, 30000)
-spec eval(Code :: code(), Locals :: kwargs()) -> {ok, term()} | {error, reason()}.
eval(Code, Locals) ->
    eval(Code, Locals, ?DEFAULT_TIMEOUT).

%% @doc Evaluates a Python expression in `__main__' with some local variables; waits for its value.
%%
%% `Timeout' is in milliseconds; when it runs out the Python code is interrupted and the result is
%% `{error, timeout}'.
%%
%% ```
%% {ok, 42} = py:eval(<<"x * y">>, #{x => 6, y => 7}, 1000).
%% '''
-spec eval(Code :: code(), Locals :: kwargs(), Timeout :: timeout()) ->
    {ok, term()} | {error, reason()}.
eval(Code, Locals, Timeout) ->
    py_context:request(py_request:eval(Code, Locals), Timeout).

%% @doc Runs Python statements in `__main__', which all contexts share; waits up to 30 seconds.
%%
%% ```
%% ok = py:exec(<<"def double(x):\n    return x * 2">>),
%% {ok, 42} = py:eval(<<"double(21)">>).
%% '''
-spec exec(Code :: code()) -> ok | {error, reason()}.
exec(Code) ->
    case py_context:request(py_request:exec(Code), ?DEFAULT_TIMEOUT) of
        {ok, _None} -> ok;
        Other -> Other
    end.

%% @doc The version of the Python interpreter.
%%
%% ```
%% {ok, <<"3.11.2">>} = py:version().
%% '''
-spec version() -> {ok, binary()}.
version() ->
    {ok, py_nif:python_version()}.

%% @doc Counters of the bridge: what the native side counts (channels, threads, calls in flight, a
%% histogram of latencies), the number of `handlers' and of registered `functions', and under
%% `contexts' how many there are in which state.
%%
%% ```
%% #{handlers := 0, contexts := #{idle := 2}} = py:info().
%% '''
-spec info() -> #{atom() => term()}.
info() ->
    maps:merge(py_nif:stats(), #{
        handlers => py_handler_sup:count(),
        functions => length(py_functions:registered()),
        contexts => py_contexts:info()
    }).
