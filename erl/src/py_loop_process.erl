%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The process of a hosted loop; py_loop is its public side.
-module(py_loop_process).
-behaviour(gen_server).

-export([start_link/1, stop/2, retire/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-type options() :: py_loop:options().
-type loop() :: py_loop:loop().

%% For the start of the thread and its empty loop. The main coroutine starts after that.
-define(START_TIMEOUT, 30000).

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

%% The options are checked.
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(Options) ->
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

%% Ends the loop within its `stop_timeout', but not its process: a supervisor would restart the
%% loop. The process ends with the application's supervision tree.
-spec retire(pid()) -> ok.
retire(Loop) ->
    try
        gen_server:call(Loop, retire, infinity)
    catch
        exit:{_Reason, {gen_server, call, _}} -> ok
    end.

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

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

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

-spec stop(loop(), default | non_neg_integer()) -> ok | {error, timeout | not_running}.
stop(Loop, Timeout) ->
    try
        gen_server:call(Loop, {stop, Timeout}, infinity)
    catch
        exit:{noproc, _} -> {error, not_running};
        exit:{{nodedown, _}, _} -> {error, not_running};
        exit:{calling_self, _} -> {error, not_running};
        %% The loop has ended meanwhile, by itself or stopped by its supervisor.
        exit:{_Reason, {gen_server, call, _}} -> ok
    end.
