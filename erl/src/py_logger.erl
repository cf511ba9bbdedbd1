%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Python's output and logs as events of Erlang's logger, under `{python_logging, logger}'.
%%
%% Lines wait in Python, in a bounded queue, which drops and counts lines when it is full. This
%% process gets the message `lines' when there are some. It takes a batch of them, by a request to a
%% Python thread of its own. Python sends the message again only after this request. So a flood
%% never fills the mailbox, and Python never waits for Erlang's log handlers.
%%
%% Lines that Python writes during a restart of this process wait for the new process. If this
%% process is killed, the lines that it has taken and not logged are lost. The next process counts
%% them as dropped.
-module(py_logger).
-behaviour(gen_server).

-export([create_table/0, start_link/0, flush/1, level/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% `{done, Count}': the number of lines that were logged, or reported as dropped.
-define(TABLE, ?MODULE).

-define(FILTER, erlang_python).

%% Milliseconds. These requests wait for nothing in Python but the GIL.
-define(START_TIMEOUT, 30000).
-define(REQUEST_TIMEOUT, 2000).

%% The number of lines that may be under way to OTP's log handlers.
-define(BURST, 100).

%% Microseconds. A log handler that can't print a time as a date is removed by OTP.
-define(YEAR_10000, 253402300800000000).

-type batch() :: {Earlier :: non_neg_integer(), Dropped :: non_neg_integer(), [line()]}.
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
-spec flush(timeout()) -> ok | {error, timeout | not_running | term()}.
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

-spec init([]) -> {ok, py_nif:context()} | {stop, term()}.
init([]) ->
    process_flag(trap_exit, true),
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    receive
        {py_result, Ref, ready} -> install(Context)
    after ?START_TIMEOUT ->
        {stop, start_timeout}
    end.

-spec handle_call(flush, gen_server:from(), py_nif:context()) ->
    {reply, ok | {error, term()}, py_nif:context()}.
handle_call(flush, _From, Context) ->
    case log_rest(Context) of
        ok -> {reply, sync_handlers(), Context};
        {error, _} = Error -> {reply, Error, Context}
    end.

-spec handle_cast(term(), py_nif:context()) -> {noreply, py_nif:context()}.
handle_cast(_Message, Context) ->
    {noreply, Context}.

-spec handle_info(term(), py_nif:context()) ->
    {noreply, py_nif:context()} | {stop, term(), py_nif:context()}.
handle_info(lines, Context) ->
    _ = submit(take_lines, Context),
    {noreply, Context};
handle_info({py_result, _Ref, {ok, Batch}}, Context) ->
    log_batch(Batch),
    {noreply, Context};
handle_info({py_result, _Ref, {error, Why}}, Context) ->
    {stop, {python_logging, Why}, Context};
handle_info(_Message, Context) ->
    {noreply, Context}.

%% Python's output goes to its own streams again. All earlier output is logged.
-spec terminate(term(), py_nif:context()) -> ok.
terminate(shutdown, Context) ->
    _ = request(uninstall_logging, Context),
    _ = log_rest(Context),
    _ = logger:remove_handler_filter(default, ?FILTER),
    ok;
terminate(_Reason, _Context) ->
    ok.

-spec install(py_nif:context()) -> {ok, py_nif:context()} | {stop, term()}.
install(Context) ->
    #{level := Primary} = logger:get_primary_config(),
    show_domain(),
    case request({install_logging, lowest(Primary), self()}, Context) of
        {free, {ok, Taken}} ->
            _ = ets:insert_new(?TABLE, {done, Taken}),
            self() ! lines,
            {ok, Context};
        Why ->
            {stop, {python_logging, Why}}
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

%% Logs the lines that were written until now, in order: first the batch under way, if there is one.
-spec log_rest(py_nif:context()) -> ok | {error, term()}.
log_rest(Context) ->
    await_rest(submit(take_last_lines, Context), Context).

-spec await_rest(reference(), py_nif:context()) -> ok | {error, term()}.
await_rest(Ref, Context) ->
    receive
        {py_result, Ref, {ok, {_Earlier, _Dropped, []} = Batch}} ->
            log_batch(Batch);
        {py_result, Ref, {ok, Batch}} ->
            log_batch(Batch),
            log_rest(Context);
        {py_result, _Take, {ok, Batch}} ->
            log_batch(Batch),
            await_rest(Ref, Context);
        {py_result, _Any, {error, _} = Error} ->
            Error
    after ?REQUEST_TIMEOUT ->
        %% The batch is logged when it comes.
        {error, timeout}
    end.

%% The answer is a batch.
-spec submit(take_lines | take_last_lines, py_nif:context()) -> reference().
submit(Request, Context) ->
    Ref = make_ref(),
    {ok, _} = py_nif:submit_to_context(Context, Ref, Request),
    Ref.

-spec request(py_nif:control(), py_nif:context()) -> py_request_wait:outcome().
request(Request, Context) ->
    py_request_wait:run_in_context(Context, Request, py_deadline:in(?REQUEST_TIMEOUT)).

-spec log_batch(batch()) -> ok.
log_batch({Earlier, Dropped, Lines}) ->
    %% A killed process may have taken lines that it did not log.
    Lost = Earlier - ets:lookup_element(?TABLE, done, 2),
    log_dropped(Lost, "the process py_logger was killed before it had logged them"),
    log_lines(Lines, ?BURST),
    log_dropped(Dropped, "they came faster than they could be logged").

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
    logger:log(level(Level), Text, with_time(Time, with_place(Place, Metadata))),
    count(1).

-spec with_time(integer(), logger:metadata()) -> logger:metadata().
with_time(Time, Metadata) when Time >= 0, Time < ?YEAR_10000 -> Metadata#{time => Time};
with_time(_Time, Metadata) -> Metadata.

%% Not `mfa': that would make atoms from Python's data.
-spec with_place(none | nil | tuple(), logger:metadata()) -> logger:metadata().
with_place({File, Line, Function}, Metadata) ->
    Metadata#{
        file => unicode:characters_to_list(File),
        line => max(0, Line),
        py_function => Function
    };
with_place(_None, Metadata) ->
    Metadata.

-spec log_dropped(non_neg_integer(), Why :: string()) -> ok.
log_dropped(0, _Why) ->
    ok;
log_dropped(Dropped, Why) ->
    logger:warning(
        "~b lines of Python's output were dropped: ~s",
        [Dropped, Why],
        #{domain => [python], py_logger => <<"erlang">>, py_dropped => Dropped}
    ),
    count(Dropped).

-spec count(pos_integer()) -> ok.
count(Lines) ->
    _ = ets:update_counter(?TABLE, done, Lines),
    ok.

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
