%% SPDX-License-Identifier: Apache-2.0
%% @doc A hosted event loop: an OTP process that owns a Python thread which runs one asyncio or
%% uvloop loop and, if wanted, a main coroutine in it, e.g. a web server.
%%
%% The process ends as its main coroutine ends: normally when that returns, with
%% `{main_failed, {ExceptionName, Text}}' when it raises. When the process is told to shut down, by
%% its supervisor or by {@link stop/1}, the main coroutine is cancelled and has `stop_timeout'
%% milliseconds to finish. When the process is killed, its loop is cancelled and has about a second;
%% a loop of the same name or with the same main coroutine starts when that has ended, so that a
%% supervisor's restart finds ports free.
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

-export([start_link/1, child_spec/1, stop/1, stop/2, call/4, call/5, call/6]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([options/0, loop/0]).

-type options() :: py_loop_options:options().
-type loop() :: py_loops:loop().

%% For the thread and its empty loop to come up; the main coroutine is started after that.
-define(START_TIMEOUT, 30000).

-define(DEFAULT_CALL_TIMEOUT, 30000).

-define(HOST, <<"erlang._loop_host">>).

-record(state, {
    channel :: py_nif:channel(),
    %% The request that runs the loop for as long as it lives.
    run :: reference(),
    handle :: py_nif:request_handle(),
    stop_timeout :: non_neg_integer(),
    running = true :: boolean()
}).

%% @doc Starts a loop linked to the calling process; returns when the loop runs.
%%
%% Errors: `{bad_option, Key, Value}' for an option that is unknown or of the wrong type;
%% `not_running' while the application `erlang_python' is not started; `start_timeout';
%% `{ExceptionName, Text}' when Python could not start the loop, e.g. because uvloop is wanted but
%% not installed.
%%
%% ```
%% {ok, Loop} = py_loop:start_link(#{name => jobs}).
%% '''
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(Options) ->
    case py_loop_options:check(Options) of
        ok -> started(Options);
        {error, _} = Error -> Error
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

%% @doc The child specification of a loop for a supervisor of one's own: `permanent', its id is the
%% loop's name, or `py_loop'. The supervisor waits a little longer than `stop_timeout'. Bad options
%% fail with `{bad_option, Key, Value}'.
%%
%% ```
%% supervisor:start_child(my_sup, py_loop:child_spec(#{name => jobs})).
%% '''
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(Options) ->
    case py_loop_options:check(Options) of
        ok -> ok;
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

%% @doc Stops a loop gracefully within its own `stop_timeout'.
%% @see stop/2
-spec stop(loop()) -> ok | {error, timeout | not_running}.
stop(Loop) ->
    request_stop(Loop, default).

%% @doc Stops a loop: its main coroutine is cancelled and has `Timeout' milliseconds to finish.
%%
%% The loop's process is gone when this returns. `{error, timeout}': the loop did not end in time
%% and was interrupted; `{error, not_running}': there is no such loop.
%%
%% ```
%% ok = py_loop:stop(jobs, 1000).
%% '''
-spec stop(loop(), Timeout :: non_neg_integer()) -> ok | {error, timeout | not_running}.
stop(Loop, Timeout) ->
    py_deadline:is_timeout(Timeout) orelse error(badarg),
    request_stop(Loop, Timeout).

%% @equiv call(Loop, Module, Function, Args, #{}, 30000)
-spec call(loop(), py_request:name(), py_request:name(), py_request:arguments()) ->
    {ok, term()} | {error, py_outcome:reason()}.
call(Loop, Module, Function, Args) ->
    call(Loop, Module, Function, Args, #{}).

%% @doc Runs a coroutine function on the loop: with keyword arguments, for up to 30 seconds, or
%% without, for as long as a timeout says.
%% @see call/6
-spec call(
    loop(),
    py_request:name(),
    py_request:name(),
    py_request:arguments(),
    KwargsOrTimeout :: py_request:kwargs() | timeout()
) -> {ok, term()} | {error, py_outcome:reason()}.
call(Loop, Module, Function, Args, Kwargs) when is_map(Kwargs) ->
    call(Loop, Module, Function, Args, Kwargs, ?DEFAULT_CALL_TIMEOUT);
call(Loop, Module, Function, Args, Timeout) ->
    call(Loop, Module, Function, Args, #{}, Timeout).

%% @doc Runs `Module.Function(*Args, **Kwargs)' as a task of the loop and waits for its value.
%%
%% `Timeout' is in milliseconds, or `infinity'. When it runs out the task is cancelled and the
%% result is `{error, timeout}'; the same happens when the calling process dies. An exception is
%% `{error, {ExceptionName, Text}}', a loop that ends meanwhile `{error, disconnected}', one that
%% does not run `{error, not_running}'.
%%
%% ```
%% {ok, done} = py_loop:call(jobs, asyncio, sleep, [0.1, done], #{}, 1000).
%% '''
-spec call(
    loop(),
    Module :: py_request:name(),
    Function :: py_request:name(),
    Args :: py_request:arguments(),
    Kwargs :: py_request:kwargs(),
    timeout()
) -> {ok, term()} | {error, py_outcome:reason()}.
call(Loop, Module, Function, Args, Kwargs, Timeout) ->
    Request = py_request:coroutine(Module, Function, Args, Kwargs),
    case py_loops:channel(Loop) of
        {ok, Channel} -> py_context:request_on_loop(Channel, Request, Timeout);
        not_running -> {error, not_running}
    end.

%% @private
-spec init(options()) -> {ok, #state{}} | {stop, term()}.
init(Options) ->
    process_flag(trap_exit, true),
    case py_loops:is_open() of
        true -> start_thread(Options);
        false -> {stop, not_running}
    end.

-spec start_thread(options()) -> {ok, #state{}} | {stop, term()}.
start_thread(Options) ->
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    case py_loops:add(Ref, Context, py_loop_options:claims(Options)) of
        ok ->
            receive
                {py_result, Ref, ready} -> run(Context, Options);
                {py_result, Ref, {error, Why}} -> {stop, {no_context, Why}}
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
    {ok, Handle} = py_nif:submit(Context, Run, py_loop_options:host_request(self(), Options)),
    receive
        {loop_ready, Channel} ->
            ok = py_loops:ready(Channel),
            {ok, #state{
                channel = Channel,
                run = Run,
                handle = Handle,
                stop_timeout = py_loop_options:stop_timeout(Options)
            }};
        {py_result, Run, Answer} ->
            {stop, start_failure(Answer)}
    after ?START_TIMEOUT ->
        _ = py_nif:abandon(Handle),
        {stop, start_timeout}
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
-spec handle_call(term(), gen_server:from(), #state{}) ->
    {stop, normal, ok | {error, timeout}, #state{}}.
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
handle_info({'EXIT', _Linked, Reason}, State) ->
    %% Somebody whom a user linked to the loop, as to any process.
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

%% The loop's own end is the answer to the request that runs it.
-spec shut_down(timeout(), #state{}) -> {ok | {error, timeout}, #state{}}.
shut_down(_Timeout, State = #state{running = false}) ->
    {ok, State};
shut_down(Timeout, State = #state{channel = Channel, run = Run, handle = Handle}) ->
    %% `closed': it is ending already.
    _ = py_nif:submit(Channel, make_ref(), {coroutine, ?HOST, <<"stop">>, [], #{}}),
    Ended = State#state{running = false},
    receive
        {py_result, Run, Answer} -> {stopped(Answer), Ended}
    after Timeout ->
        logger:warning("hosted loop ~tp did not stop within ~b ms, interrupting it", [
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
    py_loops:is_loop(Loop) orelse error(badarg),
    try
        gen_server:call(Loop, {stop, Timeout}, infinity)
    catch
        exit:{noproc, _} -> {error, not_running};
        exit:{{nodedown, _}, _} -> {error, not_running};
        exit:{calling_self, _} -> {error, not_running};
        %% It has ended meanwhile, for whatever reason: by itself, or stopped by its supervisor.
        exit:{_Reason, {gen_server, call, _}} -> ok
    end.
