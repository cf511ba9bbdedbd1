%% SPDX-License-Identifier: Apache-2.0
%% A node of its own that runs Python code, stops and starts the application, and ends.
-module(ending_node).

-export([run/1, perform/1, keep_busy/1, await_loops/1, all_gone/1]).

%% `stop' and `start' are those of the application; `end_node' and `halt' end the node.
-type step() ::
    {exec, Code :: binary()}
    | start
    | stop
    | {apply, module(), atom(), [term()]}
    | end_node
    | {end_node, byte()}
    | halt.

-define(MARK, "ENDING_NODE").

%% Starts the application in a new node and runs the steps in order. `Left' identifies the processes
%% that the node may have left behind, see all_gone/1.
-spec run([step()]) -> {os_node:ended(), Left :: string()}.
run(Steps) ->
    Mark = lists:flatten(io_lib:format("~s_~b", [os:getpid(), erlang:unique_integer([positive])])),
    Support = filename:dirname(code:which(?MODULE)),
    Code = io_lib:format("ending_node:perform(~0p).", [Steps]),
    Arguments = ["-env", ?MARK, Mark, "-pa", Support, "-eval", lists:flatten(Code)],
    Quiet = ["-kernel", "logger_level", "warning"],
    {os_node:run(Quiet ++ Arguments), Mark}.

%% For `erl -eval': returns at once so that the node finishes its own start.
-spec perform([step()]) -> ok.
perform(Steps) ->
    _ = spawn(fun() ->
        start(),
        lists:foreach(fun step/1, Steps)
    end),
    ok.

start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(say, fun([Text]) -> io:put_chars([Text, $\n]) end).

step({exec, Code}) -> ok = py:exec(Code);
step(start) -> start();
step(stop) -> ok = application:stop(erlang_python);
step({apply, Module, Function, Arguments}) -> apply(Module, Function, Arguments);
step(end_node) -> init:stop();
step({end_node, Code}) -> init:stop(Code);
step(halt) -> erlang:halt(0).

%% Returns when this number of contexts run `spin()', which calls `running'.
-spec keep_busy(Contexts :: pos_integer()) -> ok.
keep_busy(Contexts) ->
    Self = self(),
    ok = py:register_function(running, fun([]) -> Self ! running end),
    [spawn(py, call, ['__main__', spin, [], #{}, infinity]) || _ <- lists:seq(1, Contexts)],
    [receive running -> ok end || _ <- lists:seq(1, Contexts)],
    ok.

%% Returns when this number of loops run and their main coroutines have begun.
-spec await_loops(pos_integer()) -> ok.
await_loops(Number) ->
    Loops = py_loop_registry:all(),
    Number = length(Loops),
    [{ok, none} = py_loop:call(Loop, asyncio, sleep, [0]) || Loop <- Loops],
    ok.

%% Waits until all processes that a node has left behind are gone; fails with the remaining
%% processes.
-spec all_gone(Left :: string()) -> ok.
all_gone(Mark) ->
    eventually:equal([], fun() -> marked(?MARK "=" ++ Mark) end).

marked(Variable) ->
    Wanted = list_to_binary([0, Variable, 0]),
    [
        {Pid, command(Pid)}
     || "/proc/" ++ Pid = Folder <- filelib:wildcard("/proc/[0-9]*"),
        {ok, Environment} <- [file:read_file(Folder ++ "/environ")],
        binary:match(<<0, Environment/binary>>, Wanted) =/= nomatch
    ].

command(Pid) ->
    case file:read_file("/proc/" ++ Pid ++ "/cmdline") of
        {ok, Line} -> string:slice(binary:replace(Line, <<0>>, <<" ">>, [global]), 0, 100);
        {error, _} -> gone
    end.
