%% SPDX-License-Identifier: Apache-2.0
%% Very many interruptions of realistic code, several at a time: by time-outs and by the death of
%% callers, at random moments. Afterwards the node answers, no lock is held, and there are no more
%% descriptors and threads than before.
%%
%% INTERRUPTIONS=1000000 sets their number, FAULT_SEED=number chooses the same functions and
%% moments.
-module(interruption_SUITE).

-compile([export_all, nowarn_export_all]).

-define(INTERRUPTIONS, 1000).
%% After this number of interruptions, the suite checks what they have left behind.
-define(ROUND, 20000).
-define(CALLERS, 8).
-define(LONGEST, 20).

suite() ->
    [{timetrap, {hours, 6}}].

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    ok = interrupted_code:start(),
    Config.

end_per_suite(_Config) ->
    interrupted_code:stop().

many_interruptions_leave_nothing(_Config) ->
    Seed = number("FAULT_SEED", erlang:unique_integer([positive])),
    Count = number("INTERRUPTIONS", ?INTERRUPTIONS),
    ct:pal("Again: FAULT_SEED=~b INTERRUPTIONS=~b ./dev test interruption_SUITE", [Seed, Count]),
    run(Seed, 0, Count, interrupted_code:usage()).

run(_Seed, Count, Count, _Usage) ->
    ok;
run(Seed, Done, Count, Usage) ->
    Until = min(Done + ?ROUND, Count),
    Began = erlang:monotonic_time(millisecond),
    Callers = [
        spawn_monitor(fun() -> interrupt(rand:seed_s(exsss, {Seed, Done, N}), Share) end)
     || {N, Share} <- shares(Until - Done)
    ],
    [normal = death:reason(Caller, infinity) || Caller <- Callers],
    Took = erlang:monotonic_time(millisecond) - Began,
    ok = interrupted_code:assert_nothing_left(Usage),
    ct:pal("~b interruptions, the last ~b in ~b ms; contexts given up: ~b; usage: ~p", [
        Until, Until - Done, Took, interrupted_code:given_up(), interrupted_code:usage()
    ]),
    run(Seed, Until, Count, Usage).

shares(Count) ->
    [{N, (Count + N) div ?CALLERS} || N <- lists:seq(0, ?CALLERS - 1)].

interrupt(_Random, 0) ->
    ok;
interrupt(Random0, Left) ->
    {Function, Random1} = one_of(interrupted_code:functions(), Random0),
    {Way, Random2} = one_of([timed_out, caller_died], Random1),
    {Milliseconds, Random3} = one_of(lists:seq(0, ?LONGEST), Random2),
    ok = interrupted_code:interrupt(Way, Function, Milliseconds),
    interrupt(Random3, Left - 1).

one_of(Values, Random0) ->
    {Place, Random} = rand:uniform_s(length(Values), Random0),
    {lists:nth(Place, Values), Random}.

number(Variable, Default) ->
    case os:getenv(Variable) of
        false -> Default;
        Text -> list_to_integer(Text)
    end.
