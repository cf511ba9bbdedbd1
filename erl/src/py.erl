%% SPDX-License-Identifier: Apache-2.0
%% @doc Python in this node: registers Erlang functions for Python, and calls Python.
%%
%% Results are `{ok, Value}' or `{error, Reason}'. A Python exception becomes
%% `{error, {ExceptionName, Text}}'. `{error, timeout}' means that the timeout ran out, and
%% `{error, disconnected}' that the Python thread ended before the result. While the application
%% `erlang_python' is not started, the result is `{error, not_running}'. If no thread can start and
%% none will become free, the result is `{error, {no_context, Reason}}'. `Reason' is
%% `{too_many_threads, Count}' if code that can't be interrupted keeps `max_contexts' and 64 more
%% threads. Arguments of the wrong type fail with `badarg'; the shell prints what each must be.
%% Timeouts are in milliseconds, or `infinity'; the default is 30000. When a timeout runs out, the
%% Python code is interrupted.
%%
%% While Python waits for a registered function, calls of that function run on the waiting Python
%% thread. All other calls run on a free context, i.e. a Python thread of the application's pool.
%% All calls share one `__main__', except those of a process that holds a context
%% ({@link context/1}).
%%
%% No request sees the context variables (Python's `contextvars') of another one. A process that
%% holds a context keeps its own there. A call on a waiting Python thread begins with a copy of them.
-module(py).

-export([register_function/2, register_function/3, register_function/4, unregister_function/1]).
-export([call/3, call/4, call/5, eval/1, eval/2, eval/3, exec/1]).
-export([call_async/3, call_async/4, await/1, await/2, cast/3, cast/4]).
-export([async_call/3, async_call/4, async_await/1, async_await/2, async_gather/1]).
-export([stream/3, stream/4, stream_eval/1, stream_eval/2]).
-export([context/0, context/1, release_context/0, activate_venv/1, deactivate_venv/0, venv_info/0]).
-export([registered/0, version/0, info/0, gc/0, gc/1, memory_stats/0, last_traceback/0]).

-export_type([name/0, code/0, kwargs/0, reason/0, result/0, function_options/0, bad_option/0]).

-include("py_error_info.hrl").

-type name() :: atom() | binary() | string().
-type code() :: binary() | string().
-type kwargs() :: #{name() => term()} | [{name(), term()} | atom()].
%% Named values. The list may be an Elixir keyword list; an atom stands for `{Atom, true}'.
-type reason() :: {ExceptionName :: name(), Text :: binary()} | atom() | term().
-type result() :: {ok, term()} | {error, reason()}.
-type function_options() :: #{atom() => term()} | [{atom(), term()} | atom()].
-type bad_option() :: {bad_option, Key :: term(), Value :: term(), Why :: term()}.

-define(DEFAULT_TIMEOUT, 30000).

%% @equiv register_function(Name, Fun, #{})
-spec register_function(Name :: name(), Fun :: fun()) -> ok.
register_function(Name, Fun) -> ok = register_function(Name, Fun, #{}).

%% @doc Makes an Erlang function callable from Python as `erlang.call(Name, ...)' and
%% `erlang.Name(...)'. Its return value is the call's value.
%%
%% A fun of one argument, and a module's function, get the list of the call's arguments. A fun of
%% another arity gets the arguments themselves. The option `apply' chooses otherwise.
%%
%% Options, in a map or a list, are `apply', `binaries', and `concurrency', which limits the calls that
%% run at the same time: {@link py_function_options}. An unknown option or a bad value is an error:
%% `{bad_option, Key, Value, Why}'. A second registration of the name replaces its function; calls
%% under way go on with the old one.
%%
%% ```
%% ok = py:register_function(total, fun(Numbers) -> lists:sum(Numbers) end).
%% ok = py:register_function(add, fun(A, B) -> A + B end).
%% ok = py:register_function(upper, fun string:uppercase/1, #{apply => true}).
%% ok = py:register_function(<<"now">>, my_clock, now_in).    % my_clock:now_in(Args)
%% ok = py:register_function(query, fun my_db:query/1, #{concurrency => 10, overload => wait}).
%% '''
-spec register_function
    (Name :: name(), Module :: module(), Function :: atom()) -> ok;
    (Name :: name(), fun(), function_options()) ->
        ok | {error, bad_option()}.
register_function(Name, Module, Function) when is_atom(Module), is_atom(Function) ->
    register_function(Name, Module, Function, #{});
register_function(Name, Fun, Options) ->
    ?CHECKED(py_function_registry:register(Name, Fun, Options), [Name, Fun, Options]).

%% @doc The same as {@link register_function/3}, for a module's function with options. With
%% `register_function(max, erlang, max, #{apply => true})', Python calls `erlang:max(A, B)'.
-spec register_function(Name, module(), Function :: atom(), function_options()) ->
    ok | {error, bad_option()}
when
    Name :: name().
register_function(Name, Module, Function, Options) ->
    Given = [Name, Module, Function, Options],
    ?CHECKED(py_function_registry:register(Name, {Module, Function}, Options), Given).

%% @doc Removes a registered function; its calls under way go on. `ok' also if the name is unknown.
%%
%% ```
%% ok = py:unregister_function(double_it).
%% '''
-spec unregister_function(Name :: name()) -> ok.
unregister_function(Name) ->
    ?CHECKED(py_function_registry:unregister(Name), [Name]).

%% @doc The names of all registered functions, sorted.
%%
%% ```
%% [<<"double_it">>, <<"now">>] = py:registered().
%% '''
-spec registered() -> [binary()].
registered() ->
    py_function_registry:registered().

%% @equiv call(Module, Function, Args, #{}, 30000)
-spec call(Module :: name(), Function :: name(), Args :: [term()]) -> result().
call(Module, Function, Args) -> call(Module, Function, Args, #{}).

%% @equiv call(Module, Function, Args, Kwargs, 30000)
-spec call(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) -> result().
call(Module, Function, Args, Kwargs) -> call(Module, Function, Args, Kwargs, ?DEFAULT_TIMEOUT).

%% @doc Calls `Module.Function(*Args, **Kwargs)' and waits for its value.
%%
%% `Timeout' is in milliseconds. When the timeout runs out, the Python code is interrupted and the
%% result is `{error, timeout}'.
%%
%% ```
%% {ok, 4.0} = py:call(math, sqrt, [16]).
%% {ok, <<"[\n  1\n]">>} = py:call(json, dumps, [[1]], #{indent => 2}, 1000).
%% {error, {'ValueError', <<"math domain error">>}} = py:call(math, sqrt, [-1]).
%% '''
-spec call(
    Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs(), Timeout :: timeout()
) -> result().
call(Module, Function, Args, Kwargs, Timeout) ->
    Given = [Module, Function, Args, Kwargs, Timeout],
    Request = ?CHECKED(py_request:call(Module, Function, Args, Kwargs), Given),
    ok = ?CHECKED(py_deadline:check(Timeout), Given),
    py_request_router:request(Request, Timeout).

%% @equiv eval(Code, #{}, 30000)
-spec eval(Code :: code()) -> result().
eval(Code) -> eval(Code, #{}).

%% @equiv eval(Code, Locals, 30000)
-spec eval(Code :: code(), Locals :: kwargs()) -> result().
eval(Code, Locals) -> eval(Code, Locals, ?DEFAULT_TIMEOUT).

%% @doc Evaluates a Python expression in `__main__' with local variables; waits for its value.
%%
%% `Timeout' is in milliseconds. When the timeout runs out, the Python code is interrupted and the
%% result is `{error, timeout}'.
%%
%% ```
%% {ok, 42} = py:eval(<<"x * y">>, #{x => 6, y => 7}, 1000).
%% '''
-spec eval(Code :: code(), Locals :: kwargs(), Timeout :: timeout()) -> result().
eval(Code, Locals, Timeout) ->
    Request = ?CHECKED(py_request:eval(Code, Locals), [Code, Locals, Timeout]),
    ok = ?CHECKED(py_deadline:check(Timeout), [Code, Locals, Timeout]),
    py_request_router:request(Request, Timeout).

%% @doc Runs Python statements in `__main__', which all contexts share; waits up to 30 seconds.
%%
%% ```
%% ok = py:exec(<<"def double(x):\n    return x * 2">>),
%% {ok, 42} = py:eval(<<"double(21)">>).
%% '''
-spec exec(Code :: code()) -> ok | {error, reason()}.
exec(Code) ->
    Request = ?CHECKED(py_request:exec(Code), [Code]),
    case py_request_router:request(Request, ?DEFAULT_TIMEOUT) of
        {ok, _None} -> ok;
        Other -> Other
    end.

%% @equiv call_async(Module, Function, Args, #{})
-spec call_async(Module :: name(), Function :: name(), Args :: [term()]) -> reference().
call_async(Module, Function, Args) -> call_async(Module, Function, Args, #{}).

%% @doc Starts a call like {@link call/4} on a pool context and returns at once; {@link await/2}
%% returns the value. The call is interrupted when the calling process dies.
%%
%% ```
%% Ref = py:call_async(math, factorial, [20]),
%% {ok, 2432902008176640000} = py:await(Ref).
%% '''
-spec call_async(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) ->
    reference().
call_async(Module, Function, Args, Kwargs) ->
    Given = [Module, Function, Args, Kwargs],
    Request = ?CHECKED(py_request:call(Module, Function, Args, Kwargs), Given),
    py_request_async:start(fun() -> py_request_router:answer(Request, infinity) end).

%% @equiv await(Ref, 30000)
-spec await(Ref :: reference()) -> result().
await(Ref) -> await(Ref, ?DEFAULT_TIMEOUT).

%% @doc Waits for a call that {@link call_async/4} or {@link async_call/4} started in this process.
%%
%% A call can be awaited once. When `Timeout', in milliseconds, runs out, the Python code is
%% interrupted. Any other reference gives `{error, unknown_call}'. When a registered function
%% returns, the calls that it has not awaited are interrupted too.
-spec await(Ref :: reference(), Timeout :: timeout()) -> result().
await(Ref, Timeout) ->
    ok = ?CHECKED(py_request_async:check(Ref), [Ref, Timeout]),
    ok = ?CHECKED(py_deadline:check(Timeout), [Ref, Timeout]),
    py_request_async:await(Ref, Timeout).

%% @equiv cast(Module, Function, Args, #{})
-spec cast(Module :: name(), Function :: name(), Args :: [term()]) -> ok.
cast(Module, Function, Args) -> cast(Module, Function, Args, #{}).

%% @doc Calls a Python function on a context of the pool and returns at once. The call has no time
%% limit and goes on when the calling process dies. A failure is logged as a warning.
%%
%% ```
%% ok = py:cast(audit, record, [<<"login">>], #{user => 17}).
%% '''
-spec cast(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) -> ok.
cast(Module, Function, Args, Kwargs) ->
    Given = [Module, Function, Args, Kwargs],
    Request = ?CHECKED(py_request:call(Module, Function, Args, Kwargs), Given),
    py_request_async:cast(fun() -> py_request_router:answer(Request, infinity) end).

%% @equiv async_call(Module, Function, Args, #{})
-spec async_call(Module :: name(), Function :: name(), Args :: [term()]) -> reference().
async_call(Module, Function, Args) -> async_call(Module, Function, Args, #{}).

%% @doc Starts a coroutine function as a task of the default hosted loop and returns at once;
%% {@link async_await/2} returns the value. A plain function runs in the loop and must not block.
%%
%% The default loop starts at its first use, under the application's supervisor. The task is
%% cancelled when the calling process dies.
%%
%% ```
%% Ref = py:async_call(asyncio, sleep, [0.1, done]),
%% {ok, done} = py:async_await(Ref).
%% '''
-spec async_call(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) ->
    reference().
async_call(Module, Function, Args, Kwargs) ->
    Given = [Module, Function, Args, Kwargs],
    Request = ?CHECKED(py_request:async(Module, Function, Args, Kwargs), Given),
    py_request_async:start(fun() -> py_default_loop:answer(Request, infinity) end).

%% @equiv async_await(Ref, 30000)
-spec async_await(Ref :: reference()) -> result().
async_await(Ref) -> async_await(Ref, ?DEFAULT_TIMEOUT).

%% @doc The same as {@link await/2}. When `Timeout' runs out, the coroutine is cancelled.
-spec async_await(Ref :: reference(), Timeout :: timeout()) -> result().
async_await(Ref, Timeout) ->
    await(Ref, Timeout).

%% @doc Runs coroutine functions concurrently on the default hosted loop. Waits up to 30 seconds for
%% all values; the result has them in the order of `Calls'. The first coroutine that fails cancels
%% the others, and its exception is the result.
%%
%% ```
%% {ok, [a, b]} = py:async_gather([{asyncio, sleep, [0.1, a]}, {asyncio, sleep, [0.1, b]}]).
%% '''
-spec async_gather(Calls) -> {ok, [term()]} | {error, reason()} when
    Calls :: [{name(), name(), Args :: [term()]} | {name(), name(), Args :: [term()], kwargs()}].
async_gather(Calls) ->
    Request = ?CHECKED(py_request:gather(Calls), [Calls]),
    py_request_result:result(py_default_loop:answer(Request, ?DEFAULT_TIMEOUT)).

%% @equiv stream(Module, Function, Args, #{})
-spec stream(Module :: name(), Function :: name(), Args :: [term()]) ->
    {ok, [term()]} | {error, reason()}.
stream(Module, Function, Args) -> stream(Module, Function, Args, #{}).

%% @doc Calls a function that returns an iterable, such as a generator function, and collects all
%% its items. Each item has 30 seconds; the whole has no limit.
%%
%% ```
%% {ok, [0, 2, 4]} = py:stream(builtins, range, [0, 6, 2]).
%% '''
-spec stream(Module :: name(), Function :: name(), Args :: [term()], Kwargs :: kwargs()) ->
    {ok, [term()]} | {error, reason()}.
stream(Module, Function, Args, Kwargs) ->
    Given = [Module, Function, Args, Kwargs],
    Request = ?CHECKED(py_request:stream(Module, Function, Args, Kwargs), Given),
    py_request_stream:collect(Request).

%% @equiv stream_eval(Code, #{})
-spec stream_eval(Code :: code()) -> {ok, [term()]} | {error, reason()}.
stream_eval(Code) -> stream_eval(Code, #{}).

%% @doc Evaluates an expression whose value is an iterable, and collects all its items as
%% {@link stream/4} does.
%%
%% ```
%% {ok, [0, 1, 4]} = py:stream_eval(<<"(x**2 for x in range(n))">>, #{n => 3}).
%% '''
-spec stream_eval(Code :: code(), Locals :: kwargs()) -> {ok, [term()]} | {error, reason()}.
stream_eval(Code, Locals) ->
    Request = ?CHECKED(py_request:stream_eval(Code, Locals), [Code, Locals]),
    py_request_stream:collect(Request).

%% @equiv context(30000)
-spec context() -> ok | {error, reason()}.
context() -> context(?DEFAULT_TIMEOUT).

%% @doc Gives the calling process a context of its own. From now on its calls run on one Python
%% thread, and its `eval' and `exec' use globals of their own. `ok' also if it has one already.
%%
%% {@link release_context/0} or the end of the process gives the context back. `Timeout', in
%% milliseconds, bounds the wait for a free context: a held context counts for `max_contexts' like
%% any other. If its code times out and can't be interrupted, a context with empty globals replaces
%% it. Requests of other processes for this one, as in {@link call_async/4}, run elsewhere.
%%
%% ```
%% ok = py:context(),
%% ok = py:exec(<<"total = 0">>),
%% {ok, 0} = py:eval(<<"total">>),
%% ok = py:release_context().
%% '''
%% @see py_context:with/1
-spec context(Timeout :: timeout()) -> ok | {error, reason()}.
context(Timeout) ->
    ok = ?CHECKED(py_deadline:check(Timeout), [Timeout]),
    case py_context_held:hold(private, py_deadline:in(Timeout)) of
        {ok, _} -> ok;
        {error, _} = Error -> Error
    end.

%% @doc Gives the context of the calling process back and drops its globals. `ok' also without one.
-spec release_context() -> ok.
release_context() ->
    py_context_held:release().

%% @doc Activates a virtual environment in the whole node: its packages are imported before all
%% others, and `sys.prefix' is its folder. `.pth' files and editable installs take effect. Modules
%% that are imported already stay. An active environment is deactivated first. An environment
%% without a folder for the running version of Python gives `{error, {invalid_venv, Folder}}'.
%%
%% ```
%% ok = py:activate_venv(<<"/srv/app/venv">>).
%% '''
-spec activate_venv(Path :: name()) -> ok | {error, {invalid_venv, Folder :: binary()} | reason()}.
activate_venv(Path) ->
    py_venv:activate(?CHECKED(py_request:name(Path), [Path])).

%% @doc Undoes the changes of {@link activate_venv/1} to `sys'; `ok' also if none is active.
-spec deactivate_venv() -> ok | {error, reason()}.
deactivate_venv() ->
    py_venv:deactivate().

%% @doc A map that says whether a virtual environment is active, with its `venv_path', its
%% `site_packages' and the whole `sys_path'. The keys are binaries.
-spec venv_info() -> {ok, #{binary() => term()}} | {error, reason()}.
venv_info() ->
    py_venv:info().

%% @doc The version of the Python interpreter.
%%
%% ```
%% {ok, <<"3.11.2">>} = py:version().
%% '''
-spec version() -> {ok, binary()}.
version() ->
    {ok, py_nif:python_version()}.

%% @doc Counters of the bridge. The native side counts channels, threads and calls in flight, and has
%% a histogram of latencies. `handlers' and `functions' are numbers of handler processes and of
%% registered functions. `contexts' has the number of contexts in each state; `threads' counts
%% their threads, also those of contexts that were given up. `limited' has the busy functions with a
%% `concurrency': the calls that are `running', and the calls that are `waiting' in line. Calls that
%% are nested in a call of the same function do not count.
%%
%% ```
%% #{handlers := 0, contexts := #{idle := 2}, limited := #{}} = py:info().
%% '''
-spec info() -> #{atom() => term()}.
info() ->
    maps:merge(py_nif:stats(), #{
        handlers => py_handler_sup:count(),
        functions => length(py_function_registry:registered()),
        limited => py_function_limiter:info(),
        contexts => py_context_pool:info()
    }).

%% @equiv gc(2)
-spec gc() -> {ok, Unreachable :: non_neg_integer()} | {error, reason()}.
gc() -> gc(2).

%% @doc Collects Python's garbage up to a generation; returns the number of unreachable objects.
-spec gc(Generation :: 0..2) -> {ok, Unreachable :: non_neg_integer()} | {error, reason()}.
gc(Generation) ->
    py_request_router:request(?CHECKED(py_request:gc(Generation), [Generation]), ?DEFAULT_TIMEOUT).

%% @doc Python's memory: `gc_stats' (a map for each generation), `gc_count', `gc_threshold'. While
%% `tracemalloc' is tracing, also `traced_memory_current' and `traced_memory_peak', in bytes.
-spec memory_stats() -> {ok, #{atom() => term()}} | {error, reason()}.
memory_stats() ->
    py_request_router:request(memory_stats, ?DEFAULT_TIMEOUT).

%% @doc The traceback of the last Python exception of a call of this process, as Python prints it.
%% `{error, none}' if there was none.
%%
%% ```
%% {error, {'ZeroDivisionError', _}} = py:eval(<<"1/0">>),
%% {ok, <<"Traceback (most recent call last):\n", _/binary>>} = py:last_traceback().
%% '''
-spec last_traceback() -> {ok, binary()} | {error, none}.
last_traceback() ->
    py_request_result:last_traceback().
