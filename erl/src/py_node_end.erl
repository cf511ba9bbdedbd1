%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Runs Python's exit functions once, when the node ends, whether the application runs then or not.
%%
%% A stop of the application does not end Python. Exit functions shut down finalizers, executors and
%% child processes, which libraries need for the whole life of the process. So the exit functions
%% wait for the node's end: `init:stop', a permanent application that ends, or the end of an erlpy
%% program.
%%
%% This process belongs to the kernel's supervisor. In an orderly stop of the node, the children of
%% that supervisor end last. This process is not restarted: that supervisor must never give up.
-module(py_node_end).
-behaviour(gen_server).

-export([watch/0, is_coming/0, run/0, flush/0, start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, terminate/2]).

%% Milliseconds. Longer than the limits of erlang._node_end together, unless many steps hang.
-define(LIMIT, 20000).
-define(FLUSH_LIMIT, 5000).

-type state() :: waiting | done.

%% From now on there is a Python that must end.
-spec watch() -> ok.
watch() ->
    Child = #{
        id => ?MODULE,
        start => {?MODULE, start_link, []},
        restart => temporary,
        shutdown => ?LIMIT + 1000
    },
    case supervisor:start_child(kernel_safe_sup, Child) of
        {ok, _} -> ok;
        {error, {already_started, _}} -> ok
    end.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Whether the node is ending, and will not restart in the same system process.
-spec is_coming() -> boolean().
is_coming() ->
    case init:get_status() of
        {stopping, _} -> not is_restarting();
        _ -> false
    end.

%% Runs the exit functions, unless they have run already.
-spec run() -> ok.
run() ->
    try
        gen_server:call(?MODULE, run, infinity)
    catch
        %% The process was killed.
        exit:{_, {gen_server, call, _}} -> run_exit_functions()
    end.

%% Writes out Python's buffers.
-spec flush() -> ok.
flush() ->
    case in_python(flush_output, ?FLUSH_LIMIT) of
        {free, {ok, _}} -> ok;
        Why -> logger:warning("Python's output was not flushed: ~tp", [Why])
    end.

-spec init([]) -> {ok, state(), hibernate}.
init([]) ->
    process_flag(trap_exit, true),
    {ok, waiting, hibernate}.

-spec handle_call(run, gen_server:from(), state()) -> {reply, ok, done}.
handle_call(run, _From, done) ->
    {reply, ok, done};
handle_call(run, _From, waiting) ->
    {reply, run_exit_functions(), done}.

-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec terminate(term(), state()) -> ok.
terminate(_Reason, done) ->
    ok;
terminate(_Reason, waiting) ->
    case is_restarting() of
        true -> ok;
        false -> run_exit_functions()
    end.

%% `init:restart' keeps Python. Its status looks like that of a stop; only its stack differs.
-spec is_restarting() -> boolean().
is_restarting() ->
    {backtrace, Stack} = process_info(whereis(init), backtrace),
    [_ | Stop] = binary:split(Stack, <<"(init:stop/2">>),
    match =:= re:run(Stop, "^y\\(\\d+\\) +\\{?restart\\b", [multiline, {capture, none}]).

-spec run_exit_functions() -> ok.
run_exit_functions() ->
    case in_python(run_exit_functions, ?LIMIT) of
        {free, {ok, Reports}} ->
            lists:foreach(
                fun(Report) -> logger:warning("at the end of Python ~ts", [Report]) end, Reports
            );
        Why ->
            logger:warning("Python's exit functions did not finish: ~tp", [Why])
    end.

%% Runs the request on a thread of its own, in a process whose mailbox vanishes with it.
-spec in_python(py_nif:control(), Limit :: pos_integer()) -> py_request_wait:outcome() | term().
in_python(Request, Limit) ->
    Caller = self(),
    {Pid, Monitor} = spawn_monitor(fun() -> Caller ! {self(), outcome(Request, Limit)} end),
    receive
        {Pid, Outcome} ->
            true = demonitor(Monitor, [flush]),
            Outcome;
        {'DOWN', Monitor, process, Pid, Why} ->
            Why
    end.

-spec outcome(py_nif:control(), Limit :: pos_integer()) -> py_request_wait:outcome().
outcome(Request, Limit) ->
    Context = py_nif:new_context(make_ref()),
    Outcome = py_request_wait:run_in_context(Context, Request, py_deadline:in(Limit)),
    ok = py_nif:close_context(Context),
    Outcome.
