%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Starts Python, once for the life of the node, and the supervision tree. Stopping the application
%% ends what runs in Python in an orderly way but keeps the interpreter, and all that is registered
%% for its end, for the next start.
-module(erlang_python_app).
-behaviour(application).

-export([start/2, prep_stop/1, stop/1]).

%% Milliseconds. Python starts in some tens of them; a slow disk may take its time.
-define(START_TIMEOUT, 60000).
-define(FLUSH_TIMEOUT, 5000).

-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    %% The BEAM ignores it, and every process that Python starts would inherit that: their exit
    %% statuses would be lost.
    ok = os:set_signal(sigchld, default),
    await_predecessors(),
    Steps = [fun load_library/1, fun check_interpreter/1, fun start_python/1, fun watch_node_end/1],
    maybe_start(Steps, py_config:load()).

%% Before the tree is taken down: the loops end while contexts and handlers still work, contexts
%% while handlers do, so that interrupted code can still call Erlang.
-spec prep_stop(State) -> State.
prep_stop(State) ->
    case whereis(erlang_python_sup) of
        %% It was killed, or has given up.
        undefined -> await_predecessors();
        _ -> stop_python_code()
    end,
    %% Now, since exit functions may call Erlang.
    _ = [py_node_end:run() || py_node_end:is_coming()],
    py_node_end:flush(),
    %% Nothing to do unless Python's output goes there.
    _ = py_logger:flush(?FLUSH_TIMEOUT),
    State.

-spec stop(term()) -> ok.
stop(_State) ->
    ok.

-spec maybe_start([fun((py_config:config()) -> ok | {error, term()})], Config) ->
    {ok, pid()} | {error, term()}
when
    Config :: {ok, py_config:config()} | {error, term()}.
maybe_start([Step | Steps], {ok, Config}) ->
    case Step(Config) of
        ok -> maybe_start(Steps, {ok, Config});
        {error, _} = Error -> Error
    end;
maybe_start([], {ok, Config}) ->
    case erlang_python_sup:start_link(Config) of
        ignore -> {error, ignored};
        Result -> Result
    end;
maybe_start(_Steps, {error, _} = Error) ->
    Error.

%% If the top supervisor was killed, its children are stopping by themselves, some gracefully.
-spec await_predecessors() -> ok.
await_predecessors() ->
    {ok, Names} = application:get_key(erlang_python, registered),
    py_process_ends:await([Pid || Name <- Names, Pid <- [whereis(Name)], is_pid(Pid)]).

-spec stop_python_code() -> ok.
stop_python_code() ->
    _ = supervisor:terminate_child(erlang_python_sup, py_loop_sup),
    stop_loops(),
    ok = py_loops:close(),
    _ = supervisor:terminate_child(erlang_python_sup, py_contexts),
    _ = supervisor:terminate_child(erlang_python_sup, py_context_threads),
    ok.

-spec load_library(py_config:config()) -> ok | {error, term()}.
load_library(_Config) ->
    case code:ensure_loaded(py_nif) of
        {module, py_nif} -> ok;
        {error, _} -> {error, {native_library_not_loaded, py_interpreter:not_loaded()}}
    end.

-spec check_interpreter(py_config:config()) -> ok | {error, py_config:problem()}.
check_interpreter(#{python := Python}) ->
    py_interpreter:check(Python).

-spec start_python(py_config:config()) -> ok | {error, term()}.
start_python(Config) ->
    Ref = make_ref(),
    ok = py_nif:start_python(Ref, py_config:python_options(Config)),
    receive
        {py_result, Ref, ok} -> ok;
        {py_result, Ref, {error, Text}} -> {error, {python_not_started, Text}};
        %% Its command line asked for nothing but this, e.g. its version.
        {py_result, Ref, {exit, Code}} -> {error, {python_exited, Code}}
    after ?START_TIMEOUT ->
        {error, {python_not_started, timeout}}
    end.

-spec watch_node_end(py_config:config()) -> ok.
watch_node_end(_Config) ->
    py_node_end:watch().

%% Those under supervisors of other applications, all at once. Each ends within its own limit.
-spec stop_loops() -> ok.
stop_loops() ->
    py_process_ends:await([spawn(py_loop, stop, [Loop]) || Loop <- py_loops:all()]).
