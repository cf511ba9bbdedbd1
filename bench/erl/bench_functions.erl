%% SPDX-License-Identifier: Apache-2.0
%% @doc The Erlang functions that the workloads call.
-module(bench_functions).

-export([register/0]).

-spec register() -> ok.
register() ->
    lists:foreach(
        fun({Name, Function}) -> ok = py:register_function(Name, Function) end,
        [
            {double_it, fun([Number]) -> 2 * Number end},
            {echo, fun([Value]) -> Value end},
            {size, fun([Binary]) -> byte_size(Binary) end},
            {hold, fun([]) -> idle() end},
            {spawn_idle, fun([Count]) -> spawn_idle(Count) end},
            {stop_idle, fun([Owner]) -> exit(Owner, kill) end},
            {process_count, fun([]) -> erlang:system_info(process_count) end},
            {otp_release, fun([]) -> list_to_binary(erlang:system_info(otp_release)) end},
            {spawn_burst, fun([Count]) -> spawn_burst(Count) end},
            {spin_us, fun([]) -> spin_us() end},
            {open_gate, fun([]) -> spawn(fun() -> gate(0, []) end) end},
            {pass_gate, fun([Gate, Value]) -> pass_gate(Gate, Value) end},
            {everybody_at_gate, fun([Gate, Count]) -> everybody_at_gate(Gate, Count) end},
            {timer_lateness, fun([Count]) -> timer_lateness(Count) end},
            {ping_pong, fun([Rounds, SpinUs]) -> ping_pong:run(Rounds, SpinUs) end}
        ]
    ).

-spec idle() -> no_return().
idle() ->
    receive
    after infinity -> ok
    end.

%% Starts this number of idle processes, and a process that takes them along when it is killed.
-spec spawn_idle(Count :: pos_integer()) -> pid().
spawn_idle(Count) ->
    spawn(fun() ->
        lists:foreach(fun(_) -> spawn_link(fun idle/0) end, lists:seq(1, Count)),
        idle()
    end).

%% Starts this number of processes at once. Each doubles a number. Returns when all are done.
-spec spawn_burst(Count :: non_neg_integer()) -> Count :: non_neg_integer().
spawn_burst(Count) ->
    Workers = [
        spawn_monitor(fun() -> exit({doubled, 2 * Number}) end)
     || Number <- lists:seq(1, Count)
    ],
    length([
        receive
            {'DOWN', Monitor, process, Pid, {doubled, Double}} -> Double
        end
     || {Pid, Monitor} <- Workers
    ]).

%% Lets all waiting processes pass at once when it receives `lift'.
-spec gate(Here :: non_neg_integer(), Waiting :: [pid()]) -> ok.
gate(Here, Waiting) ->
    receive
        {here, Pid} ->
            gate(Here + 1, [Pid | Waiting]);
        {count, From, Count} when Here >= Count ->
            From ! {self(), Count},
            gate(Here, Waiting);
        lift ->
            lists:foreach(fun(Pid) -> Pid ! {self(), go} end, Waiting)
    end.

-spec pass_gate(Gate :: pid(), Value) -> Value.
pass_gate(Gate, Value) ->
    Gate ! {here, self()},
    receive
        {Gate, go} -> Value
    end.

-spec everybody_at_gate(Gate :: pid(), Count) -> Count when Count :: non_neg_integer().
everybody_at_gate(Gate, Count) ->
    Gate ! {count, self(), Count},
    receive
        {Gate, Count} -> Count
    end.

%% The longest time that threads in `erlang.call' spin.
-spec spin_us() -> non_neg_integer().
spin_us() ->
    {ok, #{spin_us := Microseconds}} = py_config:load(),
    Microseconds.

%% Starts this number of timers of a millisecond, one after the other. Returns by how many
%% microseconds each was late.
-spec timer_lateness(Count :: non_neg_integer()) -> [non_neg_integer()].
timer_lateness(Count) ->
    [late(erlang:monotonic_time(microsecond)) || _ <- lists:seq(1, Count)].

-spec late(Since :: integer()) -> non_neg_integer().
late(Since) ->
    receive
    after 1 -> erlang:monotonic_time(microsecond) - Since - 1000
    end.
