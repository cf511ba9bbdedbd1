%% SPDX-License-Identifier: Apache-2.0
%% @doc A hosted event loop: an OTP process that owns a Python thread. The thread runs one asyncio
%% or uvloop loop, with an optional main coroutine, e.g. a web server.
%%
%% The process ends when its main coroutine ends. If the coroutine returns, the reason is `normal'.
%% If the coroutine raises, the reason is `{main_failed, {ExceptionName, Text}}'. When its
%% supervisor or {@link stop/1} shuts the process down, the main coroutine is cancelled and has
%% `stop_timeout' milliseconds to finish.
%%
%% When the process is killed, its loop is cancelled and has about a second. A new loop with the
%% same name or the same main coroutine starts after the end of the old one. So a supervisor's
%% restart finds ports free.
%%
%% ```
%% init([]) ->
%%     Web = py_loop:child_spec(#{
%%         name => web,
%%         main => {'erlang.hosting', uvicorn, [<<"app:app">>], #{port => 8000}},
%%         loop => uvloop
%%     }),
%%     {ok, {#{strategy => one_for_one}, [Web]}}.
%% '''
-module(py_loop).

-export([start_link/1, child_spec/1, stop/1, stop/2, call/4, call/5, call/6]).

-export_type([options/0, main/0, loop/0, name/0, kwargs/0, reason/0]).

-include("py_error_info.hrl").

-type options() :: #{
    name => atom() | {global, term()} | {via, module(), term()},
    main => main(),
    loop => auto | asyncio | uvloop,
    stop_timeout => non_neg_integer()
}.
%% `name': the name under which the process is registered. `main': the coroutine function that the
%% loop runs; without one the loop runs until it is stopped. `loop': `auto', the default, uses uvloop
%% if it is installed. `stop_timeout': milliseconds for a graceful end; 5000 by default.

-type main() ::
    {Module :: name(), Function :: name(), Args :: [term()]}
    | {Module :: name(), Function :: name(), Args :: [term()], kwargs()}.
%% A function of Python that returns an awaitable.

-type loop() :: pid() | atom() | {global, term()} | {via, module(), term()}.
%% A loop's process: its pid, or the name that it is registered under.

-type name() :: atom() | binary() | string().
-type kwargs() :: #{name() => term()} | [{name(), term()} | atom()].
-type reason() :: {ExceptionName :: atom() | binary(), Text :: binary()} | atom() | term().

-define(DEFAULT_CALL_TIMEOUT, 30000).

%% @doc Starts a loop that is linked to the calling process; returns when the loop runs.
%%
%% Options in a map or a list, all of them optional:
%% <ul>
%% <li>`name': the name under which the process is registered: an atom, `{global, Name}' or
%%   `{via, Module, Name}'. In Python, the loop's thread is called after it: `py-loop-web'.</li>
%% <li>`main': `{Module, Function, Args}' or `{Module, Function, Args, Kwargs}' of the coroutine
%%   function that the loop runs. Without one, the loop runs until it is stopped.</li>
%% <li>`loop': `asyncio', `uvloop', or `auto' (the default), which is uvloop if it is installed.</li>
%% <li>`stop_timeout': milliseconds for a graceful end; 5000 by default.</li>
%% </ul>
%%
%% Errors: `{bad_option, Key, Value, Why}' for an unknown option or a value of the wrong type;
%% `not_running' if the application `erlang_python' is not started; `start_timeout' after 30
%% seconds; `{ExceptionName, Text}' if Python could not start the loop, e.g. because uvloop is not
%% installed.
%%
%% ```
%% {ok, Loop} = py_loop:start_link(#{name => jobs}).
%% '''
-spec start_link(options() | [{atom(), term()}]) -> {ok, pid()} | {error, term()}.
start_link(Given) ->
    case {py_loop_options:check(Given), py_loop_registry:is_open()} of
        {{ok, Options}, true} -> py_loop_process:start_link(Options);
        %% Checked before the process starts: its end would cause a crash report at each restart of
        %% a supervisor.
        {{ok, _}, false} -> {error, not_running};
        {{error, _} = Error, _} -> Error
    end.

%% @doc The child specification of a loop, for your own supervisor; {@link start_link/1} has the
%% options. The child is `permanent'; its id is the loop's name, or `py_loop'. The supervisor waits a
%% little longer than `stop_timeout'. Bad options fail with `{bad_option, Key, Value, Why}'.
%%
%% ```
%% supervisor:start_child(my_sup, py_loop:child_spec(#{name => jobs})).
%% '''
-spec child_spec(options() | [{atom(), term()}]) -> supervisor:child_spec().
child_spec(Given) ->
    Options =
        case py_loop_options:check(Given) of
            {ok, Checked} -> Checked;
            {error, Why} -> error(Why)
        end,
    #{
        id => maps:get(name, Options, ?MODULE),
        start => {?MODULE, start_link, [Options]},
        restart => permanent,
        shutdown => py_loop_options:shutdown(py_loop_options:stop_timeout(Options)),
        type => worker,
        modules => [py_loop_process]
    }.

%% @doc Stops a loop gracefully within its `stop_timeout'.
%% @see stop/2
-spec stop(loop()) -> ok | {error, timeout | not_running}.
stop(Loop) ->
    ok = ?CHECKED(py_loop_registry:check(Loop), [Loop]),
    py_loop_process:stop(Loop, default).

%% @doc Stops a loop: its main coroutine is cancelled and has `Timeout' milliseconds to finish.
%%
%% The loop's process is gone when this function returns. `{error, timeout}' means that the loop did
%% not end in time and was interrupted. `{error, not_running}' means that there is no such loop.
%%
%% ```
%% ok = py_loop:stop(jobs, 1000).
%% '''
-spec stop(loop(), Timeout :: non_neg_integer()) -> ok | {error, timeout | not_running}.
stop(Loop, Timeout) ->
    ok = ?CHECKED(py_loop_registry:check(Loop), [Loop, Timeout]),
    ok = ?CHECKED(py_deadline:check_finite(Timeout), [Loop, Timeout]),
    py_loop_process:stop(Loop, Timeout).

%% @equiv call(Loop, Module, Function, Args, #{}, 30000)
-spec call(loop(), name(), name(), [term()]) ->
    {ok, term()} | {error, reason()}.
call(Loop, Module, Function, Args) ->
    call(Loop, Module, Function, Args, #{}).

%% @doc Runs a coroutine function on the loop. The last argument is a map of keyword arguments, with
%% a timeout of 30 seconds, or a timeout.
%% @see call/6
-spec call(
    loop(),
    name(),
    name(),
    [term()],
    KwargsOrTimeout :: kwargs() | timeout()
) -> {ok, term()} | {error, reason()}.
call(Loop, Module, Function, Args, Kwargs) when is_map(Kwargs); is_list(Kwargs) ->
    call(Loop, Module, Function, Args, Kwargs, ?DEFAULT_CALL_TIMEOUT);
call(Loop, Module, Function, Args, Timeout) ->
    call(Loop, Module, Function, Args, #{}, Timeout).

%% @doc Runs `Module.Function(*Args, **Kwargs)' as a task of the loop and waits for its value.
%%
%% `Timeout' is in milliseconds, or `infinity'. When the timeout runs out, the task is cancelled and
%% the result is `{error, timeout}'. The task is also cancelled when the calling process dies. An
%% exception becomes `{error, {ExceptionName, Text}}'. The result is `{error, disconnected}' if the
%% loop ends meanwhile, and `{error, not_running}' if there is no such loop.
%%
%% ```
%% {ok, done} = py_loop:call(jobs, asyncio, sleep, [0.1, done], #{}, 1000).
%% '''
-spec call(
    loop(),
    Module :: name(),
    Function :: name(),
    Args :: [term()],
    Kwargs :: kwargs(),
    timeout()
) -> {ok, term()} | {error, reason()}.
call(Loop, Module, Function, Args, Kwargs, Timeout) ->
    Given = [Loop, Module, Function, Args, Kwargs, Timeout],
    Request = ?CHECKED(py_request:coroutine(Module, Function, Args, Kwargs), Given),
    ok = ?CHECKED(py_deadline:check(Timeout), Given),
    case ?CHECKED(py_loop_registry:channel(Loop), Given) of
        {ok, Channel} -> py_request_router:request_on_loop(Channel, Request, Timeout);
        not_running -> {error, not_running}
    end.
