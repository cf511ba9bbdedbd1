%% SPDX-License-Identifier: Apache-2.0
%% The threads of this node's normal schedulers, as the operating system accounts for them.
-module(scheduler_threads).

-export([all/0, times/1]).

-type thread() :: file:filename().

%% The name is `1_scheduler', and from OTP 26 on `erts_sched_1'.
-spec all() -> [thread()].
all() ->
    Pattern = "^([0-9]+_scheduler|erts_sched_[0-9]+)$",
    [
        Folder
     || Folder <- filelib:wildcard("/proc/self/task/*"),
        {ok, Name} <- [file:read_file(filename:join(Folder, "comm"))],
        re:run(string:trim(Name), Pattern, [{capture, none}]) =:= match
    ].

%% In microseconds: the processor time of the threads, and the time that they waited for a
%% processor. The processor time stands still while the system runs other threads.
-spec times([thread()]) -> {Worked :: non_neg_integer(), Waited :: non_neg_integer()}.
times(Threads) ->
    Times = [times_of(Thread) || Thread <- Threads],
    {lists:sum([Worked || {Worked, _} <- Times]), lists:sum([Waited || {_, Waited} <- Times])}.

%% The first number is nanoseconds on a processor, the second nanoseconds in the run queue.
times_of(Thread) ->
    {ok, Text} = file:read_file(filename:join(Thread, "schedstat")),
    [Worked, Waited | _] = string:split(Text, " ", all),
    {binary_to_integer(Worked) div 1000, binary_to_integer(Waited) div 1000}.
