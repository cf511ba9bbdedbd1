%% SPDX-License-Identifier: Apache-2.0
%% The application with Python's output in Erlang's logger, for the suites about logging.
-module(python_logging).

-export([configure/1, restore/1, start/2, stop/0]).

-spec configure(Config) -> Config when Config :: [{atom(), term()}].
configure(Config) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, python_logging, logger),
    #{level := Level} = logger:get_primary_config(),
    ok = logger:set_primary_config(level, info),
    [{primary_level, Level} | Config].

-spec restore([{atom(), term()}]) -> ok.
restore(Config) ->
    ok = application:unset_env(erlang_python, python_logging),
    ok = logger:set_primary_config(level, proplists:get_value(primary_level, Config)).

%% For init_per_testcase: starts the application anew, with the definitions of a suite. The calling
%% process gets the events, see log_probe.
-spec start(Source :: binary(), Config) -> Config when Config :: [{atom(), term()}].
start(Source, Config) ->
    ok = log_probe:start(),
    python_side:start(Source, Config).

-spec stop() -> ok.
stop() ->
    _ = application:stop(erlang_python),
    log_probe:stop().
