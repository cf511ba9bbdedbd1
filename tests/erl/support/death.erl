%% SPDX-License-Identifier: Apache-2.0
%% Kills a process and waits for its end.
-module(death).

-export([kill/1, wait/1, reason/2]).

-spec kill(pid() | atom()) -> ok.
kill(Name) when is_atom(Name), Name =/= undefined ->
    kill(whereis(Name));
kill(Pid) ->
    exit(Pid, kill),
    _ = wait(Pid),
    ok.

%% The exit reason of a process that was spawned with a monitor. Fails after `Limit' milliseconds.
-spec reason({pid(), Monitor :: reference()}, Limit :: timeout()) -> term().
reason({Pid, Monitor}, Limit) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    after Limit ->
        error({still_alive, Pid, process_info(Pid, current_stacktrace)})
    end.

%% The reason why the process ended; `noproc' if the process had ended before.
-spec wait(pid()) -> term().
wait(Pid) ->
    Monitor = monitor(process, Pid),
    receive
        {'DOWN', Monitor, process, _, Reason} -> Reason
    after 10000 ->
        error({still_alive, Pid})
    end.
