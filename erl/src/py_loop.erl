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
-behaviour(gen_server).

-export([start_link/1, child_spec/1, stop/1, stop/2, call/4, call/5, call/6, retire/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

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

%% For the start of the thread and its empty loop. The main coroutine starts after that.
-define(START_TIMEOUT, 30000).

-define(DEFAULT_CALL_TIMEOUT, 30000).

-record(state, {
    channel :: py_nif:channel(),
    %% The request that runs the loop until the loop ends.
    run :: reference(),
    handle :: py_nif:request_handle(),
    stop_timeout :: non_neg_integer(),
    running = true :: boolean(),
    %% The monitor of the application's tree, once the loop is retired.
    tree :: reference() | undefined
}).

-type stopped() :: {stop, normal, ok | {error, timeout}, #state{}}.

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
        {{ok, Options}, true} -> started(Options);
        %% Checked before the process starts: its end would cause a crash report at each restart of
        %% a supervisor.
        {{ok, _}, false} -> {error, not_running};
        {{error, _} = Error, _} -> Error
    end.

-spec started(options()) -> {ok, pid()} | {error, term()}.
started(Options) ->
    Result =
        case Options of
            #{name := Name} when is_atom(Name) ->
                gen_server:start_link({local, Name}, ?MODULE, Options, []);
            #{name := Name} ->
                gen_server:start_link(Name, ?MODULE, Options, []);
            #{} ->
                gen_server:start_link(?MODULE, Options, [])
        end,
    case Result of
        ignore -> {error, not_started};
        _ -> Result
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
        modules => [?MODULE]
    }.

%% @doc Stops a loop gracefully within its `stop_timeout'.
%% @see stop/2
-spec stop(loop()) -> ok | {error, timeout | not_running}.
stop(Loop) ->
    ok = ?CHECKED(py_loop_registry:check(Loop), [Loop]),
    request_stop(Loop, default).

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
    request_stop(Loop, Timeout).

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

%% @private
%% Ends the loop within its `stop_timeout', but not its process: a supervisor would restart the
%% loop. The process ends with the application's supervision tree.
-spec retire(pid()) -> ok.
retire(Loop) ->
    try
        gen_server:call(Loop, retire, infinity)
    catch
        exit:{_Reason, {gen_server, call, _}} -> ok
    end.

%% @private
-spec init(options()) -> {ok, #state{}} | {stop, term()}.
init(Options) ->
    process_flag(trap_exit, true),
    case py_loop_registry:is_open() of
        true -> start_thread(Options);
        false -> {stop, not_running}
    end.

-spec start_thread(options()) -> {ok, #state{}} | {stop, term()}.
start_thread(Options) ->
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    case py_loop_registry:add(Ref, Context, py_loop_options:claims(Options)) of
        ok ->
            receive
                {py_result, Ref, ready} -> run(Context, Options)
            after ?START_TIMEOUT ->
                {stop, start_timeout}
            end;
        not_running ->
            ok = py_nif:close_context(Context),
            {stop, not_running}
    end.

-spec run(py_nif:context(), options()) -> {ok, #state{}} | {stop, term()}.
run(Context, Options) ->
    Run = make_ref(),
    {ok, Handle} = py_nif:submit_to_context(Context, Run, py_loop_options:host_request(self(), Options)),
    receive
        {loop_ready, Channel} ->
            State = #state{
                channel = Channel,
                run = Run,
                handle = Handle,
                stop_timeout = py_loop_options:stop_timeout(Options)
            },
            begin_work(State);
        {py_result, Run, Answer} ->
            {stop, start_failure(Answer)}
    after ?START_TIMEOUT ->
        _ = py_nif:abandon(Handle),
        {stop, start_timeout}
    end.

%% The application may have been killed meanwhile.
-spec begin_work(#state{}) -> {ok, #state{}} | {stop, not_running}.
begin_work(State = #state{channel = Channel, stop_timeout = Timeout}) ->
    case py_loop_registry:ready(Channel) of
        ok ->
            {ok, State};
        not_running ->
            _ = shut_down(Timeout, State),
            {stop, not_running}
    end.

-spec start_failure(py_nif:answer()) -> term().
start_failure({error, {Name, Text, Traceback}}) ->
    log_failure("could not start", Traceback),
    {Name, Text};
start_failure({error, Why}) ->
    Why;
start_failure(_) ->
    ended.

%% @private
-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, ok, #state{}} | stopped().
handle_call(retire, _From, State = #state{stop_timeout = Timeout}) ->
    {_, State1} = shut_down(Timeout, State),
    ok = py_loop_registry:retired(),
    {reply, ok, State1#state{tree = monitor(process, erlang_python_sup)}};
handle_call({stop, default}, From, State = #state{stop_timeout = Timeout}) ->
    handle_call({stop, Timeout}, From, State);
handle_call({stop, Timeout}, _From, State) ->
    {Reply, State1} = shut_down(Timeout, State),
    {stop, normal, Reply, State1}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({py_result, Run, Answer}, State = #state{run = Run}) ->
    State1 = State#state{running = false},
    case Answer of
        {ok, _Value} ->
            {stop, normal, State1};
        {error, {Name, Text, Traceback}} ->
            log_failure("ended with an exception", Traceback),
            {stop, {main_failed, {Name, Text}}, State1};
        {error, Why} ->
            {stop, Why, State1}
    end;
handle_info({'DOWN', Tree, process, _, _}, State = #state{tree = Tree}) ->
    {stop, normal, State};
handle_info({'EXIT', _Linked, Reason}, State) ->
    %% The end of a process that a user has linked to the loop, as to any process.
    case Reason of
        normal -> {noreply, State};
        _ -> {stop, Reason, State}
    end;
handle_info(_Message, State) ->
    {noreply, State}.

%% @private
-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, State = #state{stop_timeout = Timeout}) ->
    _ = shut_down(Timeout, State),
    ok.

%% The end of the loop is the answer to the request that runs it.
-spec shut_down(timeout(), #state{}) -> {ok | {error, timeout}, #state{}}.
shut_down(_Timeout, State = #state{running = false}) ->
    {ok, State};
shut_down(Timeout, State = #state{channel = Channel, run = Run, handle = Handle}) ->
    %% `closed': the loop is ending already.
    Stop = {stop, Timeout, os:system_time(millisecond)},
    _ = py_nif:submit_to_loop(Channel, make_ref(), Stop),
    Ended = State#state{running = false},
    receive
        {py_result, Run, Answer} -> {stopped(Answer), Ended}
    after Timeout ->
        logger:warning("hosted loop ~tp did not stop within ~b ms and is interrupted", [
            self(), Timeout
        ]),
        case py_nif:abandon(Handle) of
            abandoned -> {{error, timeout}, Ended};
            replied -> {ok, Ended}
        end
    end.

-spec stopped(py_nif:answer()) -> ok.
stopped({error, {_Name, _Text, Traceback}}) ->
    log_failure("raised while stopping", Traceback);
stopped(_Answer) ->
    ok.

-spec log_failure(What :: string(), Traceback :: binary()) -> ok.
log_failure(What, Traceback) ->
    logger:error("hosted loop ~tp ~ts:~n~ts", [self(), What, Traceback]).

-spec request_stop(loop(), default | non_neg_integer()) -> ok | {error, timeout | not_running}.
request_stop(Loop, Timeout) ->
    try
        gen_server:call(Loop, {stop, Timeout}, infinity)
    catch
        exit:{noproc, _} -> {error, not_running};
        exit:{{nodedown, _}, _} -> {error, not_running};
        exit:{calling_self, _} -> {error, not_running};
        %% The loop has ended meanwhile, by itself or stopped by its supervisor.
        exit:{_Reason, {gen_server, call, _}} -> ok
    end.
