%% SPDX-License-Identifier: Apache-2.0
%% A gate at which calls wait until all expected calls are there: then all are in progress at once.
-module(gate).

-export([register/0]).
-export([open_gate/1, pass_gate/1, everybody_at_gate/1, lift_gate/1, empty_gate/1]).

%% In milliseconds: the time for all calls to arrive on a busy machine.
-define(LIMIT, 120000).

-spec register() -> ok.
register() ->
    Names = [open_gate, pass_gate, everybody_at_gate, lift_gate, empty_gate],
    lists:foreach(fun(Name) -> ok = py:register_function(Name, ?MODULE, Name) end, Names).

open_gate([]) ->
    spawn(fun() -> closed(0, []) end).

closed(Here, Waiting) ->
    receive
        {here, Pid} ->
            closed(Here + 1, [Pid | Waiting]);
        {count, From, Count} when Here >= Count ->
            From ! {self(), Count},
            closed(Here, Waiting);
        lift ->
            lists:foreach(fun(Pid) -> Pid ! {self(), go} end, Waiting);
        {empty, From} ->
            Monitors = [monitor(process, Pid) || Pid <- Waiting],
            lists:foreach(fun(Pid) -> Pid ! {self(), go} end, lists:reverse(Waiting)),
            lists:foreach(fun await_end/1, Monitors),
            From ! {self(), empty}
    end.

await_end(Monitor) ->
    receive
        {'DOWN', Monitor, process, _, _} -> ok
    end.

%% Returns Value when the gate is lifted.
pass_gate([Gate, Value]) ->
    Gate ! {here, self()},
    receive
        {Gate, go} -> Value
    end.

%% Returns Count as soon as this number of calls wait.
everybody_at_gate([Gate, Count]) ->
    Gate ! {count, self(), Count},
    receive
        {Gate, Count} -> Count
    after ?LIMIT -> error(some_are_missing)
    end.

lift_gate([Gate]) ->
    Gate ! lift,
    true.

%% Lifts the gate. Returns when all waiting calls have been answered and have ended.
empty_gate([Gate]) ->
    Gate ! {empty, self()},
    receive
        {Gate, empty} -> true
    after ?LIMIT -> error(some_are_left)
    end.
