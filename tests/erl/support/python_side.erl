%% SPDX-License-Identifier: Apache-2.0
%% The Python half of a suite: its definitions in `__main__', and how they tell the test something.
-module(python_side).

-export([start/2, register_tell/0, told/0]).

%% For init_per_suite: starts the application and runs the definitions.
-spec start(Source :: binary(), Config) -> Config when Config :: [{atom(), term()}].
start(Source, Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(Source),
    Config.

%% From now on Python's `erlang.call("tell", What)' comes to the calling process.
-spec register_tell() -> ok.
register_tell() ->
    Test = self(),
    py:register_function(tell, fun([What]) -> Test ! {told, What} end).

%% What Python tells next.
-spec told() -> term().
told() ->
    receive
        {told, What} -> What
    after 20000 ->
        error(nothing_told)
    end.
