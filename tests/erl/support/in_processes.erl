%% SPDX-License-Identifier: Apache-2.0
%% Many callers at once.
-module(in_processes).

-export([values/2]).

%% The values of Fun(1) .. Fun(Count) in order, each computed by a process of its own.
-spec values(Count :: non_neg_integer(), fun((pos_integer()) -> Value)) -> [Value].
values(Count, Fun) ->
    Workers = [spawn_monitor(fun() -> exit({value, Fun(N)}) end) || N <- lists:seq(1, Count)],
    [
        receive
            {'DOWN', Monitor, process, Pid, {value, Value}} -> Value;
            {'DOWN', Monitor, process, Pid, Reason} -> error(Reason)
        end
     || {Pid, Monitor} <- Workers
    ].
