%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Waits until processes have ended.
-module(py_processes).

-export([await_down/1]).

%% Without a limit: each process ends within a limit of its own.
-spec await_down([pid()]) -> ok.
await_down(Pids) ->
    Monitors = [monitor(process, Pid) || Pid <- Pids],
    lists:foreach(
        fun(Monitor) ->
            receive
                {'DOWN', Monitor, process, _, _} -> ok
            end
        end,
        Monitors
    ).
