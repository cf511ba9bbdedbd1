%% SPDX-License-Identifier: Apache-2.0
%% Kills a process and waits for its end.
-module(death).

-export([kill/1, wait/1]).

-spec kill(pid() | atom()) -> ok.
kill(Name) when is_atom(Name) ->
    kill(whereis(Name));
kill(Pid) ->
    exit(Pid, kill),
    _ = wait(Pid),
    ok.

%% The reason why the process is gone; `noproc' if it was so before.
-spec wait(pid()) -> term().
wait(Pid) ->
    Monitor = monitor(process, Pid),
    receive
        {'DOWN', Monitor, process, _, Reason} -> Reason
    after 10000 ->
        error({still_alive, Pid})
    end.
