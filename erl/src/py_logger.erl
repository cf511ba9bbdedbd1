%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Python's output and logs as events of Erlang's logger, under `{python_logging, logger}'.
%%
%% Lines wait in Python, in a bounded buffer, and this process fetches them. It keeps one request
%% under way on a Python thread of its own; the answer is the next batch of lines. So a flood never
%% fills a mailbox, and Python never waits for Erlang's log handlers. Lines that Python writes
%% during a restart of this process wait for the new process. A batch counts as logged when the next
%% one is requested. If this process is killed in between, the batch is logged again.
-module(py_logger).
-behaviour(gen_server).

-export([create_table/0, start_link/0, flush/1, level/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The last context. The supervisor owns the table: a new process closes the context of a killed
%% one.
-define(TABLE, ?MODULE).

-define(PYTHON, <<"erlang._logging">>).
-define(FILTER, erlang_python).

%% Milliseconds. These requests wait for nothing in Python but the GIL.
-define(START_TIMEOUT, 30000).
-define(REQUEST_TIMEOUT, 2000).

%% The number of lines that may be under way to OTP's log handlers.
-define(BURST, 100).

%% Microseconds. A log handler that can't print a time as a date is removed by OTP.
-define(YEAR_10000, 253402300800000000).

-record(state, {
    context :: py_nif:context(),
    %% The request under way.
    take = none :: none | {reference(), py_nif:request_handle() | closed},
    %% The number of the last logged batch.
    logged = 0 :: non_neg_integer()
}).

-type batch() :: {Number :: pos_integer(), Dropped :: non_neg_integer(), [line()]}.
-type line() :: {
    Level :: integer(),
    Logger :: binary(),
    Text :: binary(),
    Time :: integer(),
    Thread :: binary(),
    none | {File :: binary(), Line :: integer(), Function :: binary()}
}.

%% Called by the supervisor, which so becomes the owner of the table.
-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, set]),
    ok.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Waits until the log handlers have all output of Python so far, also unfinished lines, and until
%% OTP's own handlers have written it. Gives up at the timeout.
-spec flush(timeout()) -> ok | {error, timeout | not_running}.
flush(Timeout) ->
    try
        gen_server:call(?MODULE, flush, Timeout)
    catch
        exit:{timeout, _} -> {error, timeout};
        exit:_ -> {error, not_running}
    end.

%% By number: a program's own level lies between two levels of Python.
-spec level(PythonLevel :: integer()) -> logger:level().
level(Level) when Level < 20 -> debug;
level(Level) when Level < 25 -> info;
level(Level) when Level < 30 -> notice;
level(Level) when Level < 40 -> warning;
level(Level) when Level < 50 -> error;
level(Level) when Level < 60 -> critical;
level(Level) when Level < 70 -> alert;
level(_Level) -> emergency.

-spec init([]) -> {ok, #state{}} | {stop, term()}.
init([]) ->
    process_flag(trap_exit, true),
    close_leftover(),
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    true = ets:insert(?TABLE, {context, Context}),
    receive
        {py_result, Ref, ready} -> install(#state{context = Context})
    after ?START_TIMEOUT ->
        {stop, start_timeout}
    end.

-spec handle_call(flush, gen_server:from(), #state{}) ->
    {reply, ok, #state{}} | {stop, term(), {error, timeout}, #state{}}.
handle_call(flush, _From, State) ->
    case log_rest(interrupt_take(State)) of
        {ok, State1} ->
            sync_handlers(),
            {reply, ok, take(State1)};
        {error, Why, State1} ->
            {stop, {python_logging, Why}, {error, timeout}, State1}
    end.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({py_result, Ref, Answer}, State = #state{take = {Ref, _}}) ->
    case Answer of
        {ok, Batch} -> {noreply, take(log_batch(Batch, State#state{take = none}))};
        {error, Why} -> {stop, {python_logging, Why}, State#state{take = none}}
    end;
handle_info(_Message, State) ->
    {noreply, State}.

%% Python's output goes to its own streams again. All earlier output is logged.
-spec terminate(term(), #state{}) -> ok.
terminate(Reason, State = #state{context = Context}) ->
    case is_shutdown(Reason) of
        true ->
            State1 = interrupt_take(State),
            _ = request(uninstall, [], State1),
            _ = log_rest(State1),
            _ = logger:remove_handler_filter(default, ?FILTER),
            ok;
        false ->
            ok
    end,
    ok = py_nif:close_context(Context),
    true = ets:delete(?TABLE, context),
    ok.

-spec install(#state{}) -> {ok, #state{}} | {stop, term()}.
install(State) ->
    #{level := Primary} = logger:get_primary_config(),
    show_domain(),
    case request(install, [lowest(Primary)], State) of
        {ok, _} -> {ok, take(State)};
        {error, Why} -> {stop, {python_logging, Why}}
    end.

%% OTP's default handler drops events of every domain but OTP's.
-spec show_domain() -> ok.
show_domain() ->
    Filter = {fun logger_filters:domain/2, {log, sub, [python]}},
    %% Fails if there is no such handler, or if an earlier process has added the filter.
    _ = logger:add_handler_filter(default, ?FILTER, Filter),
    ok.

%% The lowest Python level that Erlang's primary level lets pass.
-spec lowest(logger:level() | all | none) -> pos_integer().
lowest(all) -> 1;
lowest(debug) -> 1;
lowest(info) -> 20;
lowest(notice) -> 25;
lowest(warning) -> 30;
lowest(error) -> 40;
lowest(critical) -> 50;
lowest(alert) -> 60;
lowest(emergency) -> 70;
lowest(none) -> 1000.

-spec take(#state{}) -> #state{}.
take(State = #state{context = Context, logged = Logged}) ->
    Ref = make_ref(),
    case py_nif:submit(Context, Ref, {call, ?PYTHON, <<"take">>, [Logged], #{}}) of
        {ok, Handle} ->
            State#state{take = {Ref, Handle}};
        closed ->
            self() ! {py_result, Ref, {error, disconnected}},
            State#state{take = {Ref, closed}}
    end.

%% Afterwards the thread is free for another request.
-spec interrupt_take(#state{}) -> #state{}.
interrupt_take(State = #state{take = none}) ->
    State;
interrupt_take(State = #state{take = {_Ref, closed}}) ->
    State#state{take = none};
interrupt_take(State = #state{take = {Ref, Handle}}) ->
    State1 = State#state{take = none},
    case py_nif:abandon(Handle) of
        abandoned ->
            State1;
        replied ->
            receive
                {py_result, Ref, {ok, Batch}} -> log_batch(Batch, State1);
                {py_result, Ref, {error, _}} -> State1
            end
    end.

-spec log_rest(#state{}) -> {ok, #state{}} | {error, term(), #state{}}.
log_rest(State = #state{logged = Logged}) ->
    case request(take_rest, [Logged], State) of
        {ok, {_Number, 0, []} = Batch} -> {ok, log_batch(Batch, State)};
        {ok, Batch} -> log_rest(log_batch(Batch, State));
        {error, Why} -> {error, Why, State}
    end.

-spec request(atom(), Args :: [term()], #state{}) -> {ok, term()} | {error, term()}.
request(Function, Args, #state{context = Context}) ->
    Ref = make_ref(),
    case py_nif:submit(Context, Ref, {call, ?PYTHON, atom_to_binary(Function), Args, #{}}) of
        {ok, Handle} ->
            receive
                {py_result, Ref, Answer} -> Answer
            after ?REQUEST_TIMEOUT ->
                %% If an answer comes all the same, handle_info/2 ignores it.
                _ = py_nif:abandon(Handle),
                {error, timeout}
            end;
        closed ->
            {error, disconnected}
    end.

-spec log_batch(batch(), #state{}) -> #state{}.
log_batch({Number, Dropped, Lines}, State) ->
    log_lines(Lines, ?BURST),
    log_dropped(Dropped),
    State#state{logged = Number}.

%% OTP's handlers drop events when 200 events wait. A burst reaches this number before the handlers
%% slow this process down. So this process waits for the handlers after each burst.
-spec log_lines([line()], non_neg_integer()) -> ok.
log_lines([], _Left) ->
    ok;
log_lines(Lines, 0) ->
    sync_handlers(),
    log_lines(Lines, ?BURST);
log_lines([Line | Lines], Left) ->
    log(Line),
    log_lines(Lines, Left - 1).

-spec log(line()) -> ok.
log({Level, Logger, Text, Time, Thread, Place}) ->
    Metadata = #{
        domain => [python],
        py_logger => Logger,
        py_level => Level,
        py_thread => Thread
    },
    logger:log(level(Level), Text, with_time(Time, with_place(Place, Metadata))).

-spec with_time(integer(), logger:metadata()) -> logger:metadata().
with_time(Time, Metadata) when Time >= 0, Time < ?YEAR_10000 -> Metadata#{time => Time};
with_time(_Time, Metadata) -> Metadata.

%% Not `mfa': that would make atoms from Python's data.
-spec with_place(none | tuple(), logger:metadata()) -> logger:metadata().
with_place({File, Line, Function}, Metadata) ->
    Metadata#{
        file => unicode:characters_to_list(File),
        line => max(0, Line),
        py_function => Function
    };
with_place(none, Metadata) ->
    Metadata.

-spec log_dropped(non_neg_integer()) -> ok.
log_dropped(0) ->
    ok;
log_dropped(Dropped) ->
    logger:warning(
        "~b lines of Python's output were dropped: they came faster than they could be logged",
        [Dropped],
        #{domain => [python], py_logger => <<"erlang">>, py_dropped => Dropped}
    ).

%% OTP's log handlers write in processes of their own. A halting node does not wait for them.
-spec sync_handlers() -> ok.
sync_handlers() ->
    lists:foreach(
        fun
            (#{id := Id, module := logger_std_h}) -> logger_std_h:filesync(Id);
            (#{id := Id, module := logger_disk_log_h}) -> logger_disk_log_h:filesync(Id);
            (#{}) -> ok
        end,
        logger:get_handler_config()
    ).

-spec is_shutdown(term()) -> boolean().
is_shutdown(Reason) ->
    Reason =:= normal orelse Reason =:= shutdown orelse
        (is_tuple(Reason) andalso element(1, Reason) =:= shutdown).

-spec close_leftover() -> ok.
close_leftover() ->
    lists:foreach(
        fun({context, Context}) -> ok = py_nif:close_context(Context) end, ets:take(?TABLE, context)
    ).
