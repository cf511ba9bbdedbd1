%% SPDX-License-Identifier: Apache-2.0
%% A node as its parent process sees it: arguments, a signal, output, exit code.
-module(os_node).

-export([run/1, start/1, await_line/2, await_end/2]).

-export_type([ended/0]).

-define(LIMIT, 60000).

%% The exit status of the node's process; 128 plus the number of the signal that ended the process.
-type ended() :: {Status :: 0..255, Output :: binary()}.

%% Runs `erl' with the application in its code path and these arguments until the end.
-spec run(Arguments :: [string()]) -> ended().
run(Arguments) ->
    await_end(start(Arguments), ?LIMIT).

-spec start(Arguments :: [string()]) -> port().
start(Arguments) ->
    All = ["-noshell", "-noinput", "-pa", filename:dirname(code:which(py)) | Arguments],
    Encoded = [unicode:characters_to_binary(Argument) || Argument <- All],
    %% The status shows a crash of the runtime system; no crash dump is needed. Python buffers its
    %% output, as it usually does.
    Env = [{"ERL_CRASH_DUMP_BYTES", "0"}, {"PYTHONUNBUFFERED", false}],
    Options = [binary, exit_status, stderr_to_stdout, {env, Env}],
    open_port({spawn_executable, os:find_executable("erl")}, [{args, Encoded} | Options]).

%% Waits until the node's output equals this line or ends with it; returns the output before the
%% line.
-spec await_line(port(), Line :: binary()) -> Before :: binary().
await_line(Port, Line) ->
    await_line(Port, Line, <<>>).

await_line(Port, Line, Seen) ->
    case string:split(Seen, [Line, "\n"]) of
        [Before, <<>>] -> Before;
        _ ->
            receive
                {Port, {data, Data}} -> await_line(Port, Line, <<Seen/binary, Data/binary>>);
                {Port, {exit_status, Status}} -> error({ended, Status, Seen})
            after ?LIMIT ->
                give_up(Port, Seen)
            end
    end.

-spec await_end(port(), Limit :: non_neg_integer()) -> ended().
await_end(Port, Limit) ->
    await_end(Port, erlang:monotonic_time(millisecond) + Limit, <<>>).

await_end(Port, Deadline, Seen) ->
    receive
        {Port, {data, Data}} -> await_end(Port, Deadline, <<Seen/binary, Data/binary>>);
        {Port, {exit_status, Status}} -> {Status, Seen}
    after max(0, Deadline - erlang:monotonic_time(millisecond)) ->
        give_up(Port, Seen)
    end.

give_up(Port, Seen) ->
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    _ = os:cmd("kill -KILL " ++ integer_to_list(Pid)),
    error({no_end, Seen}).
