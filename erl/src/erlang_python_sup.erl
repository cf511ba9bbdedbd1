%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The application's supervision tree:
%%
%%   erlang_python_sup          owns the tables of functions, gates, adapters, contexts and loops
%%    |- py_logger              Python's output as log events, if so configured; the last one to end
%%    |- py_function_registry   writes to the registry
%%    |- py_function_limiter    admits calls of functions with limited concurrency
%%    |- py_handler_sup         a py_thread_handler or py_loop_handler for each channel
%%    |- py_coordinator         starts the handlers
%%    |- py_process_listener    accepts Python processes beside the node, if so configured
%%    |- py_context_threads     stops the code in contexts and waits for its end
%%    |- py_context_pool        the pool of contexts
%%    |- py_structs             tells Python about Elixir's structs; no process
%%    |- py_loop_registry       removes loops from their table when their threads have ended
%%    `- py_loop_sup            a py_loop for each loop in the application's configuration
%%
%% Each child works alone, so no child is restarted because of another one. A child that needs a
%% process under restart fails and is restarted too. That is cheap and loses nothing. So only a
%% storm of crashes ends the application: of these children, or of hosted loops, whose supervisor
%% then gives up.
-module(erlang_python_sup).
-behaviour(supervisor).

-export([start_link/1]).
-export([init/1]).

-spec start_link(py_config:config()) -> supervisor:startlink_ret().
start_link(Config) ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, Config).

-spec init(py_config:config()) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(Config = #{loops := Loops, structs := Structs}) ->
    #{python_logging := PythonLogging, python_processes := Listens} = Config,
    ok = py_function_registry:create_table(),
    ok = py_function_limiter:create_tables(),
    ok = py_context_threads:create_table(),
    ok = py_loop_registry:create_table(),
    ok = py_adapter:create_table(),
    ok = py_logger:create_table(),
    Limits = maps:with([contexts, max_contexts, context_idle_timeout], Config),
    Listeners = [
        #{id => py_process_listener, start => {py_process_listener, start_link, [Config]}}
     || Listens
    ],
    Calls = [
        #{id => py_function_registry, start => {py_function_registry, start_link, []}},
        #{id => py_function_limiter, start => {py_function_limiter, start_link, []}},
        #{id => py_handler_sup, start => {py_handler_sup, start_link, []}, type => supervisor},
        #{id => py_coordinator, start => {py_coordinator, start_link, []}}
    ],
    Python = [
        py_context_threads:child_spec(fun py_context_pool:thread_ended/1),
        #{id => py_context_pool, start => {py_context_pool, start_link, [Limits]}},
        #{id => py_structs, start => {py_structs, install, [Structs]}, restart => temporary},
        #{id => py_loop_registry, start => {py_loop_registry, start_link, []}},
        #{
            id => py_loop_sup,
            start => {py_loop_sup, start_link, [Loops]},
            type => supervisor,
            %% When py_loop_sup gives up, it exits with `shutdown'. A restart would not help.
            restart => transient,
            significant => true
        }
    ],
    Loggers = [#{id => py_logger, start => {py_logger, start_link, []}} || PythonLogging =:= logger],
    Flags = #{
        strategy => one_for_one, intensity => 100, period => 5, auto_shutdown => any_significant
    },
    {ok, {Flags, Loggers ++ Calls ++ Listeners ++ Python}}.
