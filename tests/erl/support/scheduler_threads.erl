%% SPDX-License-Identifier: Apache-2.0
%% What the threads of the normal schedulers of this node have worked, by the processor's clock, which
%% stands still while the system lets somebody else run.
-module(scheduler_threads).

-export([worked/0]).

-spec worked() -> Microseconds :: non_neg_integer().
worked() ->
    lists:sum([time(Folder) || Folder <- filelib:wildcard("/proc/self/task/*"), is_normal(Folder)]).

%% `1_scheduler', from OTP 26 on `erts_sched_1'.
is_normal(Folder) ->
    Pattern = "^([0-9]+_scheduler|erts_sched_[0-9]+)$",
    re:run(string:trim(read(Folder, "comm")), Pattern, [{capture, none}]) =:= match.

%% Nanoseconds on a processor come first.
time(Folder) ->
    [Nanoseconds | _] = string:split(read(Folder, "schedstat"), " "),
    binary_to_integer(Nanoseconds) div 1000.

%% Other threads may end meanwhile.
read(Folder, Name) ->
    case file:read_file(filename:join(Folder, Name)) of
        {ok, Text} -> Text;
        {error, _} -> <<>>
    end.
