%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Starts Python, once for the life of the node, and the supervision tree. A stop of the application
%% ends the Python code in an orderly way. The interpreter and its registered exit functions stay
%% for the next start.
-module(erlang_python_app).
-behaviour(application).

-export([start/2, prep_stop/1, stop/1, end_loops/0]).

%% Milliseconds. Python usually starts in tens of milliseconds, but a slow disk may need long.
-define(START_TIMEOUT, 60000).
-define(FLUSH_TIMEOUT, 5000).

-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    %% The BEAM ignores SIGCHLD. Processes that Python starts would inherit that and lose the exit
    %% statuses of their children.
    ok = os:set_signal(sigchld, default),
    await_predecessors(),
    Steps = [fun load_library/1, fun check_interpreter/1, fun start_python/1, fun watch_node_end/1],
    maybe_start(Steps, py_config:load()).

%% Runs before the tree is taken down. The loops end while contexts and handlers still work.
%% Contexts end while handlers still work. So interrupted code can still call Erlang.
-spec prep_stop(term()) -> Retired :: [pid()].
prep_stop(_State) ->
    Retired =
        case whereis(erlang_python_sup) of
            %% The supervisor was killed, or has given up.
            undefined -> await_predecessors(), [];
            _ -> stop_python_code()
        end,
    %% Now, because exit functions may call Erlang.
    _ = [py_node_end:run() || py_node_end:is_coming()],
    py_node_end:flush(),
    %% Does nothing unless Python's output goes to the logger.
    _ = py_logger:flush(?FLUSH_TIMEOUT),
    Retired.

%% Loops under supervisors of other applications have ended too when this returns.
-spec stop(Retired :: [pid()]) -> ok.
stop(Retired) ->
    py_processes:await_down(Retired).

%% Ends the hosted loops gracefully, before anything that their last requests may need. Their
%% processes stay until the tree is gone: a supervisor would restart them. No further loop starts.
%%
%% As in a supervision tree, the loop that started last ends first: it may use the loops before it.
%% The default loop ends last: the other loops may use it through Erlang.
-spec end_loops() -> Retired :: [pid()].
end_loops() ->
    Loops = [
        Loop
     || ok <- [py_loop_registry:close()],
        Loop <- lists:reverse(py_loop_registry:all_by_start())
    ],
    {Default, Others} = lists:partition(fun py_default_loop:is_default/1, Loops),
    lists:foreach(fun py_loop_process:retire/1, Others ++ Default),
    Others ++ Default.

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

%% If the top supervisor was killed, its children stop by themselves, some of them gracefully.
-spec await_predecessors() -> ok.
await_predecessors() ->
    {ok, Names} = application:get_key(erlang_python, registered),
    py_processes:await_down([Pid || Name <- Names, Pid <- [whereis(Name)], is_pid(Pid)]).

-spec stop_python_code() -> Retired :: [pid()].
stop_python_code() ->
    Retired = end_loops(),
    _ = [
        supervisor:terminate_child(erlang_python_sup, Child)
     || Child <- [py_loop_sup, py_context_pool, py_context_threads]
    ],
    Retired.

-spec load_library(py_config:config()) -> ok | {error, term()}.
load_library(_Config) ->
    case code:ensure_loaded(py_nif) of
        {module, py_nif} -> ok;
        {error, _} -> {error, {native_library_not_loaded, py_interpreter_check:not_loaded()}}
    end.

-spec check_interpreter(py_config:config()) -> ok | {error, py_config:problem()}.
check_interpreter(#{python := Python}) ->
    py_interpreter_check:check(Python).

-spec start_python(py_config:config()) -> ok | {error, term()}.
start_python(Config) ->
    Ref = make_ref(),
    ok = py_nif:start_python(Ref, py_config:python_options(Config)),
    receive
        {py_result, Ref, ok} -> ok;
        {py_result, Ref, {error, Text}} -> {error, {python_not_started, Text}};
        %% The command line asked for something like the version only.
        {py_result, Ref, {exit, Code}} -> {error, {python_exited, Code}}
    after ?START_TIMEOUT ->
        {error, {python_not_started, timeout}}
    end.

-spec watch_node_end(py_config:config()) -> ok.
watch_node_end(_Config) ->
    py_node_end:watch().
