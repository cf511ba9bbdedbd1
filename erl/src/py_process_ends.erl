%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Waits until processes are gone.
-module(py_process_ends).

-export([await/1]).

%% Each sees to its own end, within its own limit.
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
