%% SPDX-License-Identifier: Apache-2.0
%% The Python half of a suite: definitions in `__main__', and messages from Python to the test.
-module(python_side).

-export([start/2, register_tell/0, told/0, told/1, register_hang/0, hanging/0]).

%% For init_per_suite: starts the application and runs the definitions.
-spec start(Source :: binary(), Config) -> Config when Config :: [{atom(), term()}].
start(Source, Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(Source),
    Config.

%% From now on, Python's `erlang.call("tell", What)' sends `What' to the calling process.
-spec register_tell() -> ok.
register_tell() ->
    Test = self(),
    py:register_function(tell, fun([What]) -> Test ! {told, What} end).

%% The next message from Python.
-spec told() -> term().
told() ->
    told(20000).

-spec told(Limit :: non_neg_integer()) -> term().
told(Limit) ->
    receive
        {told, What} -> What
    after Limit ->
        error(nothing_told)
    end.

%% From now on, `erlang.call("hang")' reports its process to the calling process and never returns.
-spec register_hang() -> ok.
register_hang() ->
    Test = self(),
    py:register_function(hang, fun(_) ->
        Test ! {hanging, self()},
        receive
            never -> ok
        end
    end).

%% The next process that hangs.
-spec hanging() -> pid().
hanging() ->
    receive
        {hanging, Pid} -> Pid
    after 10000 ->
        error(nothing_hangs)
    end.
