%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Waits until processes have ended.
-module(py_process_ends).

-export([await/1]).

%% Without a limit: each process ends within a limit of its own.
-spec await([pid()]) -> ok.
await(Pids) ->
    Monitors = [monitor(process, Pid) || Pid <- Pids],
    lists:foreach(
        fun(Monitor) ->
            receive
                {'DOWN', Monitor, process, _, _} -> ok
            end
        end,
        Monitors
    ).
